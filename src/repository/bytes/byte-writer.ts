import { InternalError } from "../../kernel/index.ts";

const FIRST_CAPACITY = 256;
const LOWEST_I64 = -(2n ** 63n);
const HIGHEST_I64 = 2n ** 63n - 1n;

/**
 * Builds a binary object: numbers little-endian, varints in unsigned LEB128 of the shortest form, texts with their length
 * before them (docs/repository-format.md). What does not fit is a defect of the caller and never written.
 */
export class ByteWriter {
  #buffer: Buffer;
  #length = 0;

  constructor(capacity: number = FIRST_CAPACITY) {
    this.#buffer = Buffer.allocUnsafe(Math.max(capacity, 16));
  }

  get length(): number {
    return this.#length;
  }

  u8(value: number): this {
    this.#room(1);
    this.#length = this.#buffer.writeUInt8(whole(value, 0xff), this.#length);
    return this;
  }

  u16(value: number): this {
    this.#room(2);
    this.#length = this.#buffer.writeUInt16LE(whole(value, 0xffff), this.#length);
    return this;
  }

  u32(value: number): this {
    this.#room(4);
    this.#length = this.#buffer.writeUInt32LE(whole(value, 0xffff_ffff), this.#length);
    return this;
  }

  i64(value: bigint): this {
    if (value < LOWEST_I64 || value > HIGHEST_I64) throw unfit(value);
    this.#room(8);
    this.#length = this.#buffer.writeBigInt64LE(value, this.#length);
    return this;
  }

  /** A whole number of at most 2^53 - 1. */
  varint(value: number): this {
    this.#room(8);
    let rest = whole(value, Number.MAX_SAFE_INTEGER);
    while (rest > 0x7f) {
      this.#buffer[this.#length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#buffer[this.#length++] = rest;
    return this;
  }

  /** The bytes alone, without a length. */
  bytes(value: Uint8Array): this {
    this.#room(value.length);
    this.#buffer.set(value, this.#length);
    this.#length += value.length;
    return this;
  }

  /** UTF-8 with its length in bytes before it. Half a surrogate pair has no UTF-8 and is refused rather than replaced. */
  text(value: string): this {
    if (!value.isWellFormed()) throw unfit(value);
    const length = Buffer.byteLength(value);
    this.varint(length);
    this.#room(length);
    this.#length += this.#buffer.write(value, this.#length, length, "utf8");
    return this;
  }

  /** What was written so far, as a copy of its own. */
  toBytes(): Buffer {
    return Buffer.from(this.#buffer.subarray(0, this.#length));
  }

  /** What was written so far without a copy: valid until the next write. */
  view(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  #room(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
}

function whole(value: number, highest: number): number {
  if (Number.isInteger(value) && value >= 0 && value <= highest) return value;
  throw unfit(value);
}

function unfit(value: unknown): InternalError {
  return new InternalError(`Cannot write ${JSON.stringify(String(value).slice(0, 100))} into an object of the repository: it does not fit`);
}
