import { DamageError, type CodeOf } from "../../kernel/index.ts";

const REPLACEMENT = "\ufffd";
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Takes a binary object apart in the order in which ByteWriter built it. The input is hostile: every read is checked against
 * what is left, nothing is allocated by a number that was read, and every refusal is a DamageError that says what was being read.
 */
export class ByteReader {
  readonly #buffer: Buffer;
  readonly #subject: string;
  readonly #code: CodeOf<"damage">;
  #position = 0;

  /**
   * @param subject what the bytes are, as it stands in a message: `a run of "persistence"`
   * @param code the code of every refusal
   */
  constructor(bytes: Uint8Array, subject: string, code: CodeOf<"damage"> = "BACKUP_DAMAGED") {
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#subject = subject;
    this.#code = code;
  }

  get position(): number {
    return this.#position;
  }

  get left(): number {
    return this.#buffer.length - this.#position;
  }

  /** @param reading what is being read, for the message: `the mode` */
  u8(reading: string): number {
    return this.#buffer[this.#take(1, reading)] as number;
  }

  u16(reading: string): number {
    return this.#buffer.readUInt16LE(this.#take(2, reading));
  }

  u32(reading: string): number {
    return this.#buffer.readUInt32LE(this.#take(4, reading));
  }

  i64(reading: string): bigint {
    return this.#buffer.readBigInt64LE(this.#take(8, reading));
  }

  /** A whole number of at most 2^53 - 1, in the shortest form. */
  varint(reading: string): number {
    let value = this.u8(reading);
    if (value < 0x80) return value;
    value &= 0x7f;
    let scale = 0x80;
    for (let count = 2; ; count++) {
      const byte = this.u8(reading);
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (byte === 0) throw this.refuse(`${reading} is not in its shortest form`);
        if (value > Number.MAX_SAFE_INTEGER) throw this.refuse(`${reading} is too large`);
        return value;
      }
      if (count === 8) throw this.refuse(`${reading} has more than 8 bytes`);
      scale *= 0x80;
    }
  }

  /**
   * How many things follow, refused when they cannot be there: an array of that length is then safe to make.
   *
   * @param smallest bytes that one of them has at least
   */
  count(reading: string, smallest: number): number {
    const count = this.varint(reading);
    if (count * smallest > this.left) throw this.refuse(`${reading} is ${count}, and ${this.left} bytes are left`);
    return count;
  }

  /** A view of the next bytes, not a copy. */
  bytes(length: number, reading: string): Buffer {
    const start = this.#take(length, reading);
    return this.#buffer.subarray(start, start + length);
  }

  /** Goes on behind the next bytes; where they begin. */
  skip(length: number, reading: string): number {
    return this.#take(length, reading);
  }

  /** The next bytes as text of one character each: to tell them apart, and to order them. */
  key(length: number, reading: string): string {
    const start = this.#take(length, reading);
    return this.#buffer.toString("latin1", start, start + length);
  }

  /** The next bytes in hexadecimal digits. */
  hex(length: number, reading: string): string {
    const start = this.#take(length, reading);
    return this.#buffer.toString("hex", start, start + length);
  }

  text(reading: string): string {
    const length = this.varint(reading);
    const start = this.#take(length, reading);
    const text = this.#buffer.toString("utf8", start, start + length);
    // What is no UTF-8 decodes to the replacement character, and so does that character itself: only then is it looked at again.
    if (!text.includes(REPLACEMENT)) return text;
    try {
      return strict.decode(this.#buffer.subarray(start, start + length));
    } catch (cause) {
      throw this.refuse(`${reading} is not UTF-8`, cause);
    }
  }

  /** Nothing may be left over. */
  end(): void {
    if (this.left > 0) throw this.refuse(`${this.left} bytes are left over`);
  }

  /** The refusal of this object for a reason that only its reader can see; the caller throws it. */
  refuse(reason: string, cause?: unknown): DamageError {
    return new DamageError(this.#code, `Cannot read ${this.#subject}: ${reason}`, {
      cause,
      hint: "Use another backup, or another copy of this vault; look at the disk",
    });
  }

  #take(length: number, reading: string): number {
    const start = this.#position;
    if (length > this.#buffer.length - start) throw this.refuse(`it ends within ${reading}`);
    this.#position = start + length;
    return start;
  }
}
