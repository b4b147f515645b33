import { KEY_LENGTH } from "./pack-table.ts";

const ID_LENGTH = 8;
/** A key is so many whole numbers. */
const WORDS: number = KEY_LENGTH / 4;
/** Packs that there is memory for at first. */
const FIRST = 1024;
const NONE = -1;

/**
 * Gives every pack that it is shown a number, from 0 on, and knows it again by its id and its name. Nothing is made for one
 * that it knows: a thousand backups name nearly the same hundred.
 */
export class PackNumbers {
  /** Id and name of each, one after another, as little-endian numbers. */
  #keys: Int32Array = new Int32Array(FIRST * WORDS);
  readonly #lengths: number[] = [];
  /** By the first bytes of the id: the last pack that begins so. */
  readonly #last: Map<number, number> = new Map();
  /** By number: the one before it that begins the same. */
  readonly #before: number[] = [];

  get count(): number {
    return this.#lengths.length;
  }

  /** @param at where the id and the name of the pack lie in the table. @param length of its file, for one that is new */
  numberOf(table: DataView, at: number, length: number): number {
    const begin = table.getInt32(at, true);
    const last = this.#last.get(begin) ?? NONE;
    for (let number = last; number !== NONE; number = this.#before[number] ?? NONE) if (this.#is(number, table, at)) return number;
    const number = this.count;
    const start = number * WORDS;
    if (start === this.#keys.length) this.#grow();
    for (let word = 0; word < WORDS; word += 1) this.#keys[start + word] = table.getInt32(at + word * 4, true);
    this.#lengths.push(length);
    this.#before.push(last);
    this.#last.set(begin, number);
    return number;
  }

  /** In hexadecimal digits. */
  nameOf(number: number): string {
    const key = Buffer.alloc(KEY_LENGTH);
    for (let word = 0; word < WORDS; word += 1) key.writeInt32LE(this.#keys[number * WORDS + word] ?? 0, word * 4);
    return key.toString("hex", ID_LENGTH);
  }

  /** What the first table that named it says. */
  lengthOf(number: number): number {
    return this.#lengths[number] ?? 0;
  }

  #is(number: number, table: DataView, at: number): boolean {
    const keys = this.#keys;
    const start = number * WORDS;
    for (let word = 0; word < WORDS; word += 1) if (keys[start + word] !== table.getInt32(at + word * 4, true)) return false;
    return true;
  }

  #grow(): void {
    const keys = new Int32Array(this.#keys.length * 2);
    keys.set(this.#keys);
    this.#keys = keys;
  }
}
