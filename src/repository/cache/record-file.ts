import { closeSync, openSync } from "node:fs";
import { errnoOf, writeFully } from "../../kernel/index.ts";
import { readFully, type RecordSink } from "../../vault/index.ts";
import { openText, sealText, SEAL_LENGTH } from "../keys/derive.ts";
import type { SideFile } from "./side-file.ts";

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
  }
}

/** @returns false when it could not be written */
function writeBlock(file: SideFile, block: number, bytes: Uint8Array): boolean {
  try {
    const descriptor = openSync(file.path, "r+");
    try {
      writeFully(descriptor, sealText(file.key, bytes, associated(file, block)), positionOf(block));
      return true;
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return false;
  }
}

/** Keeps the block in memory that was read last: who reads goes through them, mostly. */
export class RecordReader {
  readonly #file: RecordFile;
  #last: { readonly block: number; readonly bytes: Buffer } | undefined;

  constructor(file: RecordFile) {
    this.#file = file;
  }

  /** @returns undefined when they are not all there, or not as they were written */
  read(position: number, length: number): Uint8Array | undefined {
    if (!(position >= 0 && length >= 0 && position + length <= this.#file.length)) return undefined;
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
    const sealed = this.#sealed(length + SEAL_LENGTH, positionOf(block));
    const bytes = sealed === undefined ? undefined : openText(this.#file.key, sealed, associated(this.#file, block));
    this.#last = bytes === undefined ? undefined : { block, bytes };
    return bytes;
  }

  #sealed(length: number, position: number): Buffer | undefined {
    try {
      const descriptor = openSync(this.#file.path, "r");
      try {
        const sealed = Buffer.allocUnsafe(length);
        return readFully(descriptor, sealed, length, position) === length ? sealed : undefined;
      } finally {
        closeSync(descriptor);
      }
    } catch (error) {
      if (errnoOf(error) === undefined) throw error;
      return undefined;
    }
  }
}

function positionOf(block: number): number {
  return block * (BLOCK + SEAL_LENGTH);
}

function associated({ name }: SideFile, block: number): string {
  return `holdfast records 1|${name}|${block}`;
}
