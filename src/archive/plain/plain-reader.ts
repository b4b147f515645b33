import { closeSync, constants, existsSync, lstatSync, openSync, readdirSync, readlinkSync, type BigIntStats } from "node:fs";
import { dirname, join } from "node:path";
import { DamageError, errnoOf, lstatAt, namedSystemError, throwIfAborted } from "../../kernel/index.ts";
import {
  ENTRIES_NAME,
  MANIFEST_NAME,
  openFile,
  quotePath,
  readFully,
  type BackupReader,
  type BackupHead,
  type Entry,
  type OpenedEntry,
} from "../../vault/index.ts";
import { checkedContent, checkEntries, givenEntries, placeIn, type CheckedEntries, type ReaderParts } from "../../local-vault/index.ts";
import { parseLines } from "../parse-lines.ts";

const PIECE = 1024 * 1024;

type ReadOptions = Parameters<BackupReader["read"]>[0];

/** Reads a backup that lies in a folder as plain files. */
export class PlainReader implements BackupReader {
  readonly head: BackupHead;
  readonly #parts: ReaderParts;
  readonly #descriptor: number;
  /** The folder itself, by descriptor: it may be moved to the trash while it is read. */
  readonly #top: string;
  #checked: Promise<CheckedEntries> | undefined;
  #buffer: Buffer | undefined;
  #open = true;

  constructor(path: string, parts: ReaderParts) {
    this.#parts = parts;
    this.head = parts.head;
    this.#descriptor = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    const through = `/proc/self/fd/${this.#descriptor}`;
    this.#top = existsSync(through) ? through : path;
  }

  async *entries(): AsyncGenerator<Entry> {
    await this.#check();
    yield* givenEntries(() => parseLines(this.#entryBytes()), this.head.manifest);
  }

  async *read(options: ReadOptions = {}): AsyncGenerator<OpenedEntry> {
    const { select, signal, onBytes } = options;
    const { safety, linked } = await this.#check();
    const folders = new Set<string>();
    const firsts = new Map<string, { readonly entry: Entry; readonly inode: bigint }>();
    for await (const entry of this.entries()) {
      throwIfAborted(signal);
      const place = placeIn(this.head.manifest, entry);
      const wanted = select === undefined || select(entry);
      if (!wanted && !linked.has(`${entry.component}/${entry.path}`)) continue;
      this.#checkFolders(place, folders);
      const stats = this.#lstat(place);
      if (entry.type !== "file") {
        this.#checkOther(entry, place, stats);
        if (wanted) yield { entry };
        continue;
      }
      if (!stats.isFile()) throw damaged(place, "is no plain file");
      if (linked.has(`${entry.component}/${entry.path}`)) firsts.set(`${entry.component}/${entry.path}`, { entry, inode: stats.ino });
      if (!wanted) continue;
      const first = firsts.get(`${entry.component}/${entry.hard_link}`);
      const copied = first !== undefined && first.inode !== stats.ino;
      const recorded =
        first === undefined
          ? entry
          : { ...entry, size: first.entry.size, ...(first.entry.sha256 === undefined ? {} : { sha256: first.entry.sha256 }) };
      const reading = checkedContent(recorded, place, this.#bytes(place, recorded), (bytes) => {
        throwIfAborted(signal);
        onBytes?.(bytes);
      });
      try {
        // A vault that was copied without its hard links holds the bytes twice.
        if (copied) await reading.finish();
        yield first === undefined ? { entry, content: reading.content } : { entry };
        if (select === undefined && first === undefined) await reading.finish();
      } finally {
        await reading.close();
      }
    }
    if (select === undefined) this.#checkNothingMore(safety);
  }

  #check(): Promise<CheckedEntries> {
    this.#checked ??= checkEntries(() => parseLines(this.#entryBytes()), this.head.manifest, this.#parts);
    return this.#checked;
  }

  async *#entryBytes(): AsyncGenerator<Uint8Array> {
    // Of its own: the list is read on while contents are.
    yield* this.#pieces(ENTRIES_NAME, Buffer.allocUnsafeSlow(PIECE));
  }

  async *#bytes(place: string, entry: Entry): AsyncGenerator<Uint8Array> {
    this.#buffer ??= Buffer.allocUnsafeSlow(PIECE);
    yield* this.#pieces(place, this.#buffer, entry.size);
  }

  /**
   * Views of one buffer: a new one for every piece is garbage faster than it is collected.
   *
   * @param size what it must be; unknown for the list of entries
   */
  *#pieces(place: string, buffer: Buffer, size?: number): Generator<Uint8Array> {
    let file: ReturnType<typeof openFile>;
    try {
      file = openFile(join(this.#top, place));
    } catch (cause) {
      throw errnoOf(cause) === "ENOENT"
        ? damaged(place, "is missing", cause)
        : namedSystemError(cause, `open "${place}" of "${this.head.id}"`);
    }
    using opened = file;
    if (!opened.stats.isFile()) throw damaged(place, "is no plain file");
    const length = Number(opened.stats.size);
    if (size !== undefined && length !== size) throw damaged(place, `has ${length} bytes where ${size} are recorded`);
    for (let done = 0; done < length;) {
      const piece = buffer.subarray(0, Math.min(PIECE, length - done));
      if (readBytes(opened.descriptor, piece, done, place) < piece.length) throw damaged(place, "became shorter while it was read");
      done += piece.length;
      yield piece;
    }
  }

  /** No folder on the way is a link: the path would lead out of the backup. */
  #checkFolders(place: string, known: Set<string>): void {
    const folder = dirname(place);
    if (folder === "." || known.has(folder)) return;
    this.#checkFolders(folder, known);
    if (!this.#lstat(folder).isDirectory()) throw damaged(folder, "is no folder");
    known.add(folder);
  }

  #lstat(place: string): BigIntStats {
    try {
      return lstatSync(join(this.#top, place), { bigint: true });
    } catch (cause) {
      throw errnoOf(cause) === "ENOENT" || errnoOf(cause) === "ENOTDIR"
        ? damaged(place, "is missing", cause)
        : namedSystemError(cause, `look at "${place}" of "${this.head.id}"`);
    }
  }

  #checkOther(entry: Entry, place: string, stats: BigIntStats): void {
    if (entry.type === "directory") {
      if (!stats.isDirectory()) throw damaged(place, "is no folder");
      return;
    }
    if (!stats.isSymbolicLink()) throw damaged(place, "is no link");
    if (readlinkSync(join(this.#top, place)) !== entry.target) throw damaged(place, "points to another place than recorded");
  }

  #checkNothingMore(safety: CheckedEntries["safety"]): void {
    const visit = (folder: string): void => {
      for (const name of readdirSync(join(this.#top, folder)).toSorted()) {
        const place = folder === "" ? name : `${folder}/${name}`;
        if (folder === "" && (name === MANIFEST_NAME || name === ENTRIES_NAME)) continue;
        if (!safety.has(place)) throw damaged(place, "lies in the backup and is not recorded");
        if (lstatAt(join(this.#top, place))?.isDirectory() === true) visit(place);
      }
    };
    visit("");
  }

  [Symbol.asyncDispose](): Promise<void> {
    if (this.#open) {
      this.#open = false;
      closeSync(this.#descriptor);
      this.#parts.release();
    }
    return Promise.resolve();
  }
}

function readBytes(descriptor: number, piece: Buffer, position: number, place: string): number {
  try {
    return readFully(descriptor, piece, piece.length, position);
  } catch (cause) {
    if (errnoOf(cause) === "EIO") throw damaged(place, "cannot be read from the disk (EIO)", cause);
    throw namedSystemError(cause, `read "${place}"`);
  }
}

function damaged(place: string, problem: string, cause?: unknown): DamageError {
  return new DamageError("BACKUP_DAMAGED", `${quotePath(place)} is damaged: it ${problem}`, {
    cause,
    hint: "Use another backup for this file",
    details: { path: place },
  });
}
