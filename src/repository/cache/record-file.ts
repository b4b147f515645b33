import { closeSync, openSync, statSync } from "node:fs";
import { freeBuffer, writeFully } from "../../kernel/index.ts";
import { readFully, type RecordSink } from "../../vault/index.ts";
import { openText, sealText, SEAL_LENGTH } from "../keys/derive.ts";
import { removeSideFile, type SideFile } from "./side-file.ts";
import { unlessSystemFails } from "./unless-system-fails.ts";

/** Sealed together. Bytes. */
const BLOCK = 256 * 1024;

/** What a reading wrote down for the next one, as one string of bytes. */
export interface RecordFile extends SideFile {
  /** Bytes of it. */
  readonly length: number;
}

/** Writes a block as soon as it is full. Nothing that fails here keeps a backup from being taken: then there are no records. */
export class RecordWriter implements RecordSink {
  readonly #newFile: () => SideFile | undefined;
  #block: Buffer | undefined;
  #file: SideFile | undefined;
  #length = 0;
  #failed = false;

  /** @param newFile asked once, for the first block */
  constructor(newFile: () => SideFile | undefined) {
    this.#newFile = newFile;
  }

  append(bytes: Uint8Array): number {
    const position = this.#length;
    for (let at = 0; at < bytes.length;) {
      const filled = this.#length % BLOCK;
      const part = bytes.subarray(at, at + BLOCK - filled);
      (this.#block ??= Buffer.allocUnsafeSlow(BLOCK)).set(part, filled);
      at += part.length;
      this.#length += part.length;
      if (this.#length % BLOCK === 0) this.#write(BLOCK);
    }
    return position;
  }

  /** Once, after the last of them. @returns undefined when they could not be written */
  finish(): RecordFile | undefined {
    if (this.#length % BLOCK !== 0) this.#write(this.#length % BLOCK);
    // Of an empty tree there is nothing in it.
    else this.#file ??= this.#newFile();
    return this.#failed || this.#file === undefined ? undefined : { ...this.#file, length: this.#length };
  }

  /** The last one may be short. */
  #write(length: number): void {
    if (this.#failed || this.#block === undefined) return;
    this.#file ??= this.#newFile();
    const sealed = this.#block.subarray(0, length);
    this.#failed = this.#file === undefined || !writeBlock(this.#file, Math.ceil(this.#length / BLOCK) - 1, sealed);
    if (this.#failed && this.#file !== undefined) removeSideFile(this.#file);
  }
}

/** @returns false when it could not be written */
function writeBlock(file: SideFile, block: number, bytes: Uint8Array): boolean {
  const sealed = sealText(file.key, bytes, associated(block));
  const isWritten = withFile(file, "r+", (descriptor) => (writeFully(descriptor, sealed, positionOf(block)), true)) === true;
  freeBuffer(sealed);
  return isWritten;
}

/** undefined where the system fails. */
function withFile<T>({ path }: SideFile, flags: "r" | "r+", work: (descriptor: number) => T): T | undefined {
  return unlessSystemFails(() => {
    const descriptor = openSync(path, flags);
    try {
      return work(descriptor);
    } finally {
      closeSync(descriptor);
    }
  });
}

/** Keeps the block in memory that was read last: who reads goes through them, mostly. */
export class RecordReader {
  readonly #file: RecordFile;
  #last: { readonly block: number; readonly bytes: Buffer } | undefined;
  #isWhole: boolean | undefined;

  constructor(file: RecordFile) {
    this.#file = file;
  }

  /** @returns undefined when they are not all there, or not as they were written */
  read(position: number, length: number): Uint8Array | undefined {
    if (!(position >= 0 && length >= 0 && position + length <= this.#file.length)) return undefined;
    // Before memory is taken for what it says that it holds.
    this.#isWhole ??= unlessSystemFails(() => statSync(this.#file.path).size) === sealedLength(this.#file.length);
    if (!this.#isWhole) return undefined;
    const record = Buffer.allocUnsafe(length);
    for (let done = 0; done < length;) {
      const block = Math.floor((position + done) / BLOCK);
      const bytes = this.#block(block)?.subarray((position + done) % BLOCK);
      if (bytes === undefined || bytes.length === 0) return undefined;
      done += bytes.copy(record, done);
    }
    return record;
  }

  #block(block: number): Buffer | undefined {
    if (this.#last?.block === block) return this.#last.bytes;
    const length = Math.min(BLOCK, this.#file.length - block * BLOCK);
    const sealed = withFile(this.#file, "r", (descriptor) => {
      const piece = Buffer.allocUnsafe(length + SEAL_LENGTH);
      return readFully(descriptor, piece, piece.length, positionOf(block)) === piece.length ? piece : undefined;
    });
    const bytes = sealed === undefined ? undefined : openText(this.#file.key, sealed, associated(block));
    // What was read of it are copies.
    for (const gone of [sealed, this.#last?.bytes]) if (gone !== undefined) freeBuffer(gone);
    this.#last = bytes === undefined ? undefined : { block, bytes };
    return bytes;
  }
}

function sealedLength(length: number): number {
  return length + Math.ceil(length / BLOCK) * SEAL_LENGTH;
}

function positionOf(block: number): number {
  return block * (BLOCK + SEAL_LENGTH);
}

function associated(block: number): string {
  return `holdfast records 1|${block}`;
}
