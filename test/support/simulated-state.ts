import { createHash, randomBytes } from "node:crypto";
import {
  closeSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import type { Content, EntryHead, Reading, ReadingEntry } from "../../src/vault/index.ts";
import { seededRandom } from "./seeded-random.ts";

const PAGE = 4096;
const NOTES = 300;

/** Contents by what they are of, with a version: bytes are written once, at random, so that no two versions share any. */
export type Pieces = ReadonlyMap<string, number>;

/**
 * A state that changes a little every day as an agent's does: a database of pages, notes, and a log. It knows what it
 * consists of, without reading it.
 */
export class SimulatedState {
  readonly #folder: string;
  readonly #random: () => number;
  readonly #bytes: Map<string, number> = new Map();
  readonly #versions: Map<string, number> = new Map();
  #writes = 0;
  #pages: number;
  #changed = 0;

  constructor(folder: string, pages: number, seed: number) {
    this.#folder = folder;
    this.#random = seededRandom(seed);
    this.#pages = pages;
    mkdirSync(join(folder, "notes"), { recursive: true });
    const database = randomBytes(pages * PAGE);
    database.write("SQLite format 3\0", 0, "latin1");
    database.writeUInt16BE(PAGE, 16);
    writeFileSync(this.#path("db"), database);
    for (let page = 0; page < pages; page += 1) this.#note(`page ${page}`, PAGE);
    for (let note = 0; note < NOTES; note += 1) this.#write(`notes/${note}.md`, this.#upTo(500, 6500));
    this.#write("log", 60_000);
  }

  /** Bytes of content that were written since the last call. */
  takeChanged(): number {
    const changed = this.#changed;
    this.#changed = 0;
    return changed;
  }

  pieces(): Pieces {
    return new Map([...this.#bytes].map(([piece, bytes]) => [`${piece} ${this.#versions.get(piece)}`, bytes]));
  }

  /** SHA-256 of every file, by its path. */
  hashes(): ReadonlyMap<string, string> {
    return new Map(
      this.#names().map((name) => [
        name,
        createHash("sha256")
          .update(readFileSync(this.#path(name)))
          .digest("hex"),
      ]),
    );
  }

  /** Some pages, the young ones more often than the old; some notes; the log. */
  change(): void {
    const touched = [0];
    for (let count = 0; count < 25; count += 1)
      touched.push(this.#random() < 0.5 ? this.#upTo(Math.floor(this.#pages * 0.9), this.#pages) : this.#upTo(1, this.#pages));
    for (let added = 0; added < 3; added += 1) touched.push(this.#pages++);
    this.#writePages(touched);
    for (let count = 0; count < 4; count += 1) {
      const note = `notes/${this.#upTo(0, NOTES)}.md`;
      if (this.#random() < 0.1) this.#remove(note);
      else this.#write(note, this.#upTo(500, 6500));
    }
    this.#write("log", this.#upTo(20_000, 80_000));
  }

  /** What VACUUM does: every page is another one, and there are fewer. */
  rewrite(): void {
    const before = this.#pages;
    this.#pages = Math.floor(before * 0.97);
    truncateSync(this.#path("db"), this.#pages * PAGE);
    for (let page = this.#pages; page < before; page += 1) this.#forget(`page ${page}`);
    this.#writePages(Array.from({ length: this.#pages }, (_, page) => page));
  }

  /** As a source gives it: the database as a private copy, the rest live. */
  reading(): Reading {
    const entries = async function* (this: SimulatedState): AsyncGenerator<ReadingEntry> {
      const folder = { mode: 0o755, uid: 0, gid: 0, mtime_ns: "0", size: 0, type: "directory" as const };
      yield { head: { ...folder, path: "." }, content: { kind: "none" } };
      for (const name of ["db", "log"]) yield this.#entry(name);
      yield { head: { ...folder, path: "notes" }, content: { kind: "none" } };
      for (const name of this.#names().filter((path) => path.startsWith("notes/"))) yield this.#entry(name);
      await Promise.resolve();
    };
    return {
      entries: entries.bind(this),
      confirm: () => Promise.resolve(),
      report: () => ({ source: "tree", resolved_path: null, suspect: false, omissions: [], warnings: [] }),
      close: () => Promise.resolve(),
    };
  }

  #entry(path: string): ReadingEntry {
    const stats = lstatSync(this.#path(path), { bigint: true });
    const head: EntryHead = {
      path,
      type: "file",
      mode: 0o644,
      uid: 0,
      gid: 0,
      mtime_ns: String(stats.mtimeNs),
      size: Number(stats.size),
      ...(path === "db" ? { database: true } : {}),
    };
    const span = { kind: "file", path: this.#path(path), device: stats.dev, inode: stats.ino, offset: 0, length: head.size } as const;
    const content: Content =
      path === "db"
        ? { kind: "staged", spans: [span], movable: false }
        : { kind: "live", span, mtimeNs: stats.mtimeNs, ctimeNs: stats.ctimeNs, appending: false };
    return { head, content };
  }

  #names(): string[] {
    return ["db", "log", ...readdirSync(this.#path("notes")).map((name) => `notes/${name}`)].toSorted();
  }

  #path(name: string): string {
    return join(this.#folder, name);
  }

  #upTo(least: number, below: number): number {
    return least + Math.floor(this.#random() * (below - least));
  }

  #writePages(pages: readonly number[]): void {
    const database = openSync(this.#path("db"), "r+");
    for (const page of new Set(pages)) {
      // The first one keeps its header.
      const from = page === 0 ? 100 : 0;
      writeSync(database, randomBytes(PAGE - from), 0, PAGE - from, page * PAGE + from);
      this.#note(`page ${page}`, PAGE);
    }
    closeSync(database);
  }

  #write(name: string, bytes: number): void {
    writeFileSync(this.#path(name), randomBytes(bytes));
    this.#note(name, bytes);
  }

  #remove(name: string): void {
    rmSync(this.#path(name), { force: true });
    this.#forget(name);
  }

  #note(piece: string, bytes: number): void {
    this.#bytes.set(piece, bytes);
    this.#versions.set(piece, (this.#writes += 1));
    this.#changed += bytes;
  }

  #forget(piece: string): void {
    this.#bytes.delete(piece);
  }
}
