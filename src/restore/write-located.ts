import { closeSync } from "node:fs";
import { DamageError, monotonicNow } from "../kernel/index.ts";
import { ContentCheck, isProved, type ContentProof, type Contents } from "../vault/index.ts";
import { checkDatabase, type DatabaseCheck } from "./check-database.ts";
import { finishFile, openNew, writeFile, writePiece, type FileFacts } from "./write-file.ts";

/** A file whose bytes are read by the thread that writes it; by value. */
export interface LocatedFile {
  readonly path: string;
  readonly facts: FileFacts;
  /** Bytes. */
  readonly size: number;
  readonly proof: ContentProof;
  /** Of a LocatedContent. */
  readonly at: unknown;
  /** It is a database, and is looked at when it is written. */
  readonly check: boolean;
}

/** A large file is begun and gone on with until it ends, so that signals and progress come in between. */
export type WriteStep =
  | { readonly kind: "files"; readonly files: readonly LocatedFile[] }
  | { readonly kind: "begin"; readonly number: number; readonly file: LocatedFile }
  | { readonly kind: "go-on"; readonly number: number };

export interface CheckedDatabase {
  readonly path: string;
  readonly check: DatabaseCheck;
  /** Milliseconds that it took. */
  readonly millis: number;
}

export interface StepDone {
  /** Written. */
  readonly bytes: number;
  readonly databases: readonly CheckedDatabase[];
  /** The first content that is not what was recorded; nothing after it was written. */
  readonly damaged?: { readonly path: string; readonly reason?: string; readonly hint?: string };
}

/** Of a large file in one step. */
export const STEP_BYTES: number = 8 * 1024 * 1024;
/** Pieces are gathered up to this before they are written: of a database that has changed often, a piece may be a page. */
const GATHERED = 1024 * 1024;

interface LargeFile {
  readonly file: LocatedFile;
  readonly descriptor: number;
  readonly pieces: Iterator<Uint8Array>;
  readonly check: ContentCheck;
  position: number;
}

/** Writes located contents of one restore in one thread. No file is whole here whose content was not compared with its hash. */
export class LocatedWriter implements Disposable {
  readonly #contents: Contents;
  readonly #large = new Map<number, LargeFile>();
  #gathered: Buffer | undefined;

  constructor(contents: Contents) {
    this.#contents = contents;
  }

  do(step: WriteStep): StepDone {
    if (step.kind === "files") return this.#writeSmall(step.files);
    if (step.kind === "begin") {
      const { file, number } = step;
      const pieces = this.#contents.read(file.at)[Symbol.iterator]();
      this.#large.set(number, { file, descriptor: openNew(file.path), pieces, check: new ContentCheck(file.proof), position: 0 });
    }
    const large = this.#large.get(step.number);
    // It ended before its time: whoever asks has been told.
    return large === undefined ? { bytes: 0, databases: [] } : this.#goOn(step.number, large);
  }

  #writeSmall(files: readonly LocatedFile[]): StepDone {
    let bytes = 0;
    const databases: CheckedDatabase[] = [];
    for (const file of files) {
      const damaged = unlessSound(file, () => {
        const content = wholeOf(this.#contents.read(file.at), file.size);
        if (content === undefined || !isProved(content, file.proof)) return false;
        writeFile(file, content);
        return true;
      });
      if (damaged !== undefined) return { bytes, databases, damaged };
      bytes += file.size;
      if (file.check) databases.push(checked(file.path));
    }
    return { bytes, databases };
  }

  #goOn(number: number, large: LargeFile): StepDone {
    const { file, descriptor } = large;
    const begun = large.position;
    let ended = false;
    const damaged = unlessSound(file, () => {
      ended = this.#writeUpTo(large, begun + STEP_BYTES);
      return !ended ? large.position <= file.size : large.position === file.size && large.check.holds();
    });
    const bytes = large.position - begun;
    if (damaged === undefined && !ended) return { bytes, databases: [] };
    if (damaged === undefined) finishFile(descriptor, file.facts, file.size);
    this.#large.delete(number);
    letGo(large);
    if (damaged !== undefined) return { bytes, databases: [], damaged };
    return { bytes, databases: file.check ? [checked(file.path)] : [] };
  }

  /** @returns whether there is no more of it */
  #writeUpTo(large: LargeFile, end: number): boolean {
    const buffer = (this.#gathered ??= Buffer.allocUnsafeSlow(GATHERED));
    let filled = 0;
    const write = (bytes: Uint8Array): void => {
      large.check.update(bytes);
      writePiece(large.descriptor, bytes, large.position, large.file.facts.sparse);
      large.position += bytes.length;
      filled = 0;
    };
    while (large.position + filled < Math.min(end, large.file.size + 1)) {
      const next = large.pieces.next();
      if (next.done === true) {
        if (filled > 0) write(buffer.subarray(0, filled));
        return true;
      }
      const piece = next.value;
      if (filled > 0 && filled + piece.length > GATHERED) write(buffer.subarray(0, filled));
      if (piece.length > GATHERED / 2) {
        if (filled > 0) write(buffer.subarray(0, filled));
        write(piece);
        continue;
      }
      buffer.set(piece, filled);
      filled += piece.length;
    }
    if (filled > 0) write(buffer.subarray(0, filled));
    return false;
  }

  [Symbol.dispose](): void {
    for (const large of this.#large.values()) letGo(large);
    this.#large.clear();
    this.#contents[Symbol.dispose]();
  }
}

/** @param write gives false when the content is another one than was recorded */
function unlessSound({ path }: LocatedFile, write: () => boolean): StepDone["damaged"] {
  try {
    return write() ? undefined : { path };
  } catch (error) {
    if (!(error instanceof DamageError) || error.code !== "BACKUP_DAMAGED") throw error;
    return { path, reason: error.message, ...(error.hint === undefined ? {} : { hint: error.hint }) };
  }
}

/** What it is read from may be held open as well. */
function letGo({ descriptor, pieces }: LargeFile): void {
  closeSync(descriptor);
  pieces.return?.();
}

/** undefined when it is not so long. A piece is good until the next one is asked for. */
function wholeOf(pieces: Iterable<Uint8Array>, size: number): Uint8Array | undefined {
  let whole: Buffer | undefined;
  let filled = 0;
  for (const piece of pieces) {
    if (filled === 0 && piece.length === size) return piece;
    if (filled + piece.length > size) return undefined;
    (whole ??= Buffer.allocUnsafe(size)).set(piece, filled);
    filled += piece.length;
  }
  return filled === size ? (whole ?? Buffer.alloc(0)) : undefined;
}

function checked(path: string): CheckedDatabase {
  const started = monotonicNow();
  const check = checkDatabase(path);
  return { path, check, millis: monotonicNow() - started };
}
