import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { RepositoryStage } from "../../test/support/repository-stage.ts";
import { seededRandom } from "../../test/support/seeded-random.ts";
import type { BackupHead } from "../vault/index.ts";
import { openKeys } from "./keys/open-keys.ts";
import { readBackupFile } from "./manifest/backup-file.ts";
import { FrameCache } from "./pack/frame-cache.ts";
import { PackUse } from "./tree/pack-use.ts";
import { decodeRoots } from "./tree/roots.ts";
import { isStoredBefore } from "./tree/stored-order.ts";
import type { EntryFacts } from "./tree/tree-entry.ts";
import { readEntries } from "./tree/tree-reader.ts";

const NAMES = ["a", "a.txt", "a-b", "ä", "😀x", "\uffee", "\ue000", "z z", "B", "0"];
const TREES = ["state", "notes"];

/** Another vault of what lies in a stage. */
class Beside extends RepositoryStage {
  readonly #other: RepositoryStage;

  constructor(other: RepositoryStage) {
    super();
    this.#other = other;
  }

  override join(...names: string[]): string {
    return this.#other.join(...names);
  }
}

/** A tree that somebody works in, without sense and with a seed. */
class Tree {
  readonly #root: string;
  readonly #random: () => number;

  constructor(root: string, items: number, random: () => number) {
    this.#root = root;
    this.#random = random;
    mkdirSync(root);
    for (let item = 0; item < items; item += 1) this.#put();
    // Runs of files alone, most of which stay as they are.
    mkdirSync(join(root, "flat"));
    for (let item = 0; item < items; item += 1) writeFileSync(join(root, "flat", `${item}`), this.#bytes());
  }

  change(): void {
    const [file, folder] = [this.#pick(this.#files()), this.#pick(this.#folders())];
    const acts = [
      () => this.#put(),
      () => this.#put(),
      () => rmSync(file, { force: true }),
      () => writeFileSync(file, this.#bytes()),
      () => renameSync(file, join(folder, `${this.#pick(NAMES)}-moved`)),
      () => folder !== this.#root && renameSync(folder, `${folder}-moved`),
      () => folder !== this.#root && rmSync(folder, { recursive: true }),
      () => utimesSync(file, 1e9, 1e9),
      () => chmodSync(file, this.#pick([0o600, 0o644, 0o755])),
    ];
    try {
      this.#pick(acts)();
    } catch (error) {
      // A folder lies where something was to be put, or was moved into itself.
      if (!(error instanceof Error && "code" in error)) throw error;
    }
  }

  #put(): void {
    const path = join(this.#pick(this.#folders()), `${this.#pick(NAMES)}${Math.floor(this.#random() * 400)}`);
    const kind = this.#random();
    const files = this.#files();
    if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) return;
    if (kind < 0.06) mkdirSync(path);
    else if (kind < 0.1) symlinkSync(this.#pick(NAMES), path);
    else if (kind < 0.15 && files.length > 0) linkSync(this.#pick(files), path);
    else writeFileSync(path, this.#bytes());
  }

  #bytes(): Buffer {
    const kind = this.#random();
    const length = kind < 0.1 ? 0 : kind < 0.95 ? 3000 * this.#random() : 300_000;
    return Buffer.from(Array.from({ length }, () => this.#random() * 256));
  }

  #folders(): readonly string[] {
    return [this.#root, ...this.#all((item) => item.isDirectory())];
  }

  #files(): readonly string[] {
    return this.#all((item) => item.isFile() && !item.name.endsWith(".db"));
  }

  #all(is: (item: { isDirectory(): boolean; isFile(): boolean; name: string }) => boolean): readonly string[] {
    const items = readdirSync(this.#root, { recursive: true, withFileTypes: true });
    return items.filter(is).map(({ parentPath, name }) => join(parentPath, name));
  }

  #pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.#random() * from.length)] as T;
  }
}

/** What a backup's trees say, in stored order; and that the pack table says of each pack what they name of it. */
async function entriesOf(stage: RepositoryStage, { id }: BackupHead): Promise<Record<string, readonly EntryFacts[]>> {
  await using vault = await stage.open();
  const keys = openKeys(stage.path, vault.identity.id, []);
  const { packs, roots } = readBackupFile(join(stage.path, `${id}.backup`), keys, ["packs", "roots"]);
  const frames = new FrameCache({ folder: stage.path, keys, packs, budget: 2 ** 25 });
  const use = new PackUse();
  const found: Record<string, readonly EntryFacts[]> = {};
  for (const { name, root } of decodeRoots(roots)) {
    use.addTree(frames, root);
    const entries = [...readEntries(frames, root)].map(({ entry }) => entry);
    for (const [index, { path }] of entries.entries())
      expect(index === 0 || isStoredBefore(entries[index - 1]?.path ?? "", path)).toBe(true);
    found[name] = entries;
  }
  frames.close();
  expect(packs.entries.map((pack) => [pack.id, pack.used])).toEqual([...use.packs()].map(([pack, { content }]) => [pack, content]));
  return found;
}

describe("a tree that is merged with the one before", () => {
  it.each([1, 2, 3])(
    "is what is stored from nothing, whatever came, went, moved and changed, seed %i",
    { timeout: 120_000 },
    async (seed) => {
      const random = seededRandom(seed);
      await using stage = new RepositoryStage({ sizes: { full: 200_000, small: 20_000 } });
      const trees = TREES.map((name, index) => new Tree(stage.join(name), index === 0 ? 250 : 40, random));
      using database = new DatabaseSync(stage.join("state", "m.db"));
      database.exec("PRAGMA journal_mode=DELETE; CREATE TABLE t (x)");
      for (let round = 0; round < 5; round += 1) {
        const changes = round === 0 ? 0 : random() < 0.3 ? 100 : 6;
        for (let change = 0; change < changes; change += 1) trees[random() < 0.8 ? 0 : 1]?.change();
        if (random() < 0.5) database.prepare("INSERT INTO t VALUES (zeroblob(?))").run(Math.floor(random() * 9000));
        if (random() < 0.2) stage.loseCache();
        const merged = await stage.take(...TREES);
        await using beside = new Beside(stage);
        const fresh = await beside.take(...TREES);
        expect(await entriesOf(stage, merged), `round ${round}`).toEqual(await entriesOf(beside, fresh));
        expect(merged.manifest.checksum).toBe(fresh.manifest.checksum);
        const [contents, wanted] = [await stage.contents(merged.id), await beside.contents(fresh.id)];
        expect([...contents.keys()]).toEqual([...wanted.keys()]);
        for (const [path, bytes] of wanted) expect(contents.get(path)?.equals(bytes), path).toBe(true);
      }
    },
  );
});
