import { fstatSync } from "node:fs";
import { DamageError } from "../../kernel/index.ts";
import { readStored } from "../../local-vault/index.ts";
import { contentLength, decodeMember, MEMBER_HEADER, memberLength } from "./gzip-member.ts";

/** Parts that are decoded ahead: two cores stay busy, and the memory does not grow with the archive. */
const AHEAD = 3;

/**
 * The tar stream inside a row of gzip members, front to back. Parts are decoded ahead in the thread pool; what is
 * skipped is stepped over without decoding where whole parts are.
 */
export class MemberReader {
  readonly #descriptor: number;
  readonly #size: number;
  /** Where the next member that was not looked at begins. */
  #position: number;
  readonly #ahead: { readonly end: number; readonly bytes: Promise<Buffer> }[] = [];
  #current: Buffer = Buffer.alloc(0);
  /** Where the member behind the current one begins. */
  #currentEnd: number;

  constructor(descriptor: number, position: number) {
    this.#descriptor = descriptor;
    this.#position = position;
    this.#currentEnd = position;
    this.#size = Number(fstatSync(descriptor, { bigint: true }).size);
  }

  /** Exactly so many bytes in one piece. */
  async take(length: number): Promise<Buffer> {
    if (this.#current.length >= length) return this.#shift(length);
    const pieces: Buffer[] = [];
    for await (const piece of this.pieces(length)) pieces.push(piece);
    return Buffer.concat(pieces);
  }

  /** Exactly so many bytes, as they come. */
  async *pieces(length: number): AsyncGenerator<Buffer> {
    for (let left = length; left > 0;) {
      if (this.#current.length === 0) await this.#next();
      const piece = this.#shift(Math.min(left, this.#current.length));
      left -= piece.length;
      yield piece;
    }
  }

  /** Passes over so many bytes. Parts that are not decoded are not proved either. */
  async skip(length: number): Promise<void> {
    let left = length - this.#shift(Math.min(length, this.#current.length)).length;
    while (left > 0) {
      if (this.#ahead.length === 0) left -= this.#stepOver(left);
      if (left === 0) return;
      await this.#next(left);
      left -= this.#shift(Math.min(left, this.#current.length)).length;
    }
  }

  /**
   * Nothing is left but zeros in the last part, and nothing lies behind it.
   *
   * @throws DamageError BACKUP_DAMAGED
   */
  finish(): void {
    if (!this.#current.every((byte) => byte === 0) || this.#currentEnd !== this.#size) throw damaged("holds something behind its end");
  }

  /**
   * A part ends exactly here. Returns where the next one begins.
   *
   * @throws DamageError BACKUP_DAMAGED
   */
  boundary(): number {
    if (this.#current.length > 0) throw damaged("holds something behind its list of entries");
    return this.#currentEnd;
  }

  #shift(length: number): Buffer {
    const piece = this.#current.subarray(0, length);
    this.#current = this.#current.subarray(length);
    return piece;
  }

  async #next(wanted: number = Infinity): Promise<void> {
    // No further than what is asked for: what comes behind may be stepped over.
    const ahead = wanted > AHEAD * 1024 * 1024 ? AHEAD : 1;
    while (this.#ahead.length < ahead && this.#position < this.#size) this.#readAhead();
    const next = this.#ahead.shift();
    if (next === undefined) throw damaged("is cut off");
    this.#current = await next.bytes;
    this.#currentEnd = next.end;
  }

  #readAhead(): void {
    const length = memberLength(this.#read(this.#position, MEMBER_HEADER));
    const bytes = decodeMember(this.#read(this.#position, length));
    // Met when its turn comes.
    bytes.catch(() => {});
    this.#position += length;
    this.#ahead.push({ end: this.#position, bytes });
  }

  /** Passes over whole members within the next `length` bytes; returns how many bytes that were. */
  #stepOver(length: number): number {
    let passed = 0;
    while (this.#position < this.#size) {
      const member = memberLength(this.#read(this.#position, MEMBER_HEADER));
      const content = contentLength(this.#read(this.#position + member - 4, 4));
      if (passed + content > length) break;
      passed += content;
      this.#position += member;
      this.#currentEnd = this.#position;
    }
    return passed;
  }

  #read(position: number, length: number): Buffer {
    const bytes = Buffer.allocUnsafeSlow(length);
    if (readStored(this.#descriptor, bytes, position) !== length) throw damaged("is cut off");
    return bytes;
  }
}

function damaged(problem: string): DamageError {
  return new DamageError("BACKUP_DAMAGED", `The archive is damaged: it ${problem}`, {
    hint: "Use another backup, or another copy of this one",
  });
}
