import { closeSync } from "node:fs";
import { DamageError, monotonicNow } from "../kernel/index.ts";
import { ContentCheck, GroupSums, isProved, PagesHash, type ContentPart, type ContentProof, type Contents } from "../vault/index.ts";
import { checkDatabase, type DatabaseCheck } from "./check-database.ts";
import { finishFile, openAgain, openNew, writeFile, writePiece, type FileFacts } from "./write-file.ts";

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

/** Of a file that threads write side by side, into a file that is there. */
export interface FilePart extends ContentPart {
  /** How many there are of the file. */
  readonly parts: number;
}

/** When every part of a file is written: whether it is what was recorded. */
export interface FinishStep {
  readonly kind: "finish";
  readonly file: LocatedFile;
  /** See PagesHash. */
  readonly sums: Uint8Array;
}

/** A large file, or a part of one, is begun and gone on with until it ends, so that signals and progress come in between. */
export type WriteStep =
  | { readonly kind: "files"; readonly files: readonly LocatedFile[] }
  | { readonly kind: "begin"; readonly number: number; readonly file: LocatedFile; readonly part?: FilePart }
  | { readonly kind: "go-on"; readonly number: number }
  | FinishStep;

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
  /** That is written, with what GroupSums says of it. */
  readonly part?: { readonly path: string; readonly from: number; readonly sums: Uint8Array };
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
  /** Of the whole file, or of a part. */
  readonly check: ContentCheck | GroupSums;
  readonly from: number;
  /** Where it ends. */
  readonly end: number;
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
    if (step.kind === "finish") return finish(step);
    if (step.kind === "begin") this.#large.set(step.number, this.#begin(step.file, step.part));
    const large = this.#large.get(step.number);
    // It ended before its time: whoever asks has been told.
    return large === undefined ? { bytes: 0, databases: [] } : this.#goOn(step.number, large);
  }

  #begin(file: LocatedFile, part: FilePart | undefined): LargeFile {
    const { from, to } = part ?? { from: 0, to: file.size };
    const pieces = this.#contents.read(file.at, part)[Symbol.iterator]();
    const descriptor = part === undefined ? openNew(file.path) : openAgain(file.path);
    const check = part === undefined ? new ContentCheck(file.proof) : new GroupSums();
    return { file, descriptor, pieces, check, from, end: to, position: from };
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
    const { file, descriptor, check } = large;
    const begun = large.position;
    let ended = false;
    const damaged = unlessSound(file, () => {
      ended = this.#writeUpTo(large, begun + STEP_BYTES);
      if (!ended) return large.position <= large.end;
      return large.position === large.end && (check instanceof GroupSums || check.holds());
    });
    const bytes = large.position - begun;
    if (damaged === undefined && !ended) return { bytes, databases: [] };
    if (damaged === undefined && check instanceof ContentCheck) finishFile(descriptor, file.facts, file.size);
    this.#large.delete(number);
    letGo(large);
    if (damaged !== undefined) return { bytes, databases: [], damaged };
    if (check instanceof GroupSums) return { bytes, databases: [], part: { path: file.path, from: large.from, sums: check.end() } };
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
    while (large.position + filled < Math.min(end, large.end + 1)) {
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

/** The file as a whole, of which every part is written. */
function finish({ file, sums }: FinishStep): StepDone {
  const hash = new PagesHash();
  hash.addSums(sums);
  if (hash.digest() !== file.proof.pages_sha256) return { bytes: 0, databases: [], damaged: { path: file.path } };
  const descriptor = openAgain(file.path);
  try {
    finishFile(descriptor, file.facts, file.size);
  } finally {
    closeSync(descriptor);
  }
  return { bytes: 0, databases: file.check ? [checked(file.path)] : [] };
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
