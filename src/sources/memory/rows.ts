import type { BigIntStats } from "node:fs";

/** What a name in a folder was. */
export const ROWS = {
  /** Left out by the rules, or part of a database: that it is there is all that counts. */
  leftOut: 0,
  /** The same, of a folder. */
  leftOutFolder: 1,
  file: 2,
  folder: 3,
  link: 4,
  database: 5,
} as const;
export type RowKind = (typeof ROWS)[keyof typeof ROWS];

/** Inode, size, and the times of its last changes. */
const NUMBERS = 4;
const FIRST_ROWS = 1024;

/** What was seen of every name of a tree, in columns: objects of a million files take six times the memory. */
export class Rows {
  #kinds: Uint8Array;
  #looks: BigInt64Array;
  #readAt: Float64Array;
  #length: number;

  constructor(kinds: Uint8Array = new Uint8Array(FIRST_ROWS), looks?: BigInt64Array, readAt?: Float64Array, length: number = 0) {
    this.#kinds = kinds;
    this.#looks = looks ?? new BigInt64Array(kinds.length * NUMBERS);
    this.#readAt = readAt ?? new Float64Array(kinds.length);
    this.#length = length;
  }

  get length(): number {
    return this.#length;
  }

  /** So many more, left out until they are noted. @returns the number of the first */
  add(count: number): number {
    const first = this.#length;
    this.#length += count;
    if (this.#length > this.#kinds.length) {
      const room = Math.max(this.#length, this.#kinds.length * 2);
      const [kinds, looks, readAt] = [new Uint8Array(room), new BigInt64Array(room * NUMBERS), new Float64Array(room)];
      kinds.set(this.#kinds);
      looks.set(this.#looks);
      readAt.set(this.#readAt);
      [this.#kinds, this.#looks, this.#readAt] = [kinds, looks, readAt];
    }
    return first;
  }

  /** @param readAt when its bytes were last read. Milliseconds since the epoch */
  note(row: number, kind: RowKind, stats: BigIntStats, readAt: number): void {
    this.#kinds[row] = kind;
    const looks = this.#looks;
    looks[row * NUMBERS] = stats.ino;
    looks[row * NUMBERS + 1] = stats.size;
    looks[row * NUMBERS + 2] = stats.mtimeNs;
    looks[row * NUMBERS + 3] = stats.ctimeNs;
    this.#readAt[row] = readAt;
  }

  kind(row: number): RowKind {
    return this.#kinds[row] as RowKind;
  }

  readAt(row: number): number {
    return this.#readAt[row] ?? 0;
  }

  /** Whether it looks as it did, and has not changed after `before`, in nanoseconds: a later change would show. */
  isSame(row: number, stats: BigIntStats, before: bigint): boolean {
    const looks = this.#looks;
    return (
      looks[row * NUMBERS] === BigInt.asIntN(64, stats.ino) &&
      looks[row * NUMBERS + 1] === stats.size &&
      looks[row * NUMBERS + 2] === stats.mtimeNs &&
      looks[row * NUMBERS + 3] === stats.ctimeNs &&
      stats.mtimeNs < before &&
      stats.ctimeNs < before
    );
  }

  /** The bytes of the columns, those of the widest numbers first. */
  columns(): readonly Uint8Array[] {
    const length = this.#length;
    return [
      bytesOf(this.#looks.subarray(0, length * NUMBERS)),
      bytesOf(this.#readAt.subarray(0, length)),
      bytesOf(this.#kinds.subarray(0, length)),
    ];
  }

  /** @returns undefined when the bytes are not those of so many rows */
  static fromBytes(bytes: Uint8Array, length: number): Rows | undefined {
    if (bytes.length !== length * (NUMBERS * 8 + 8 + 1)) return undefined;
    // A copy, because a column of wide numbers may not begin at any place.
    const own = new Uint8Array(bytes).buffer;
    const looks = new BigInt64Array(own, 0, length * NUMBERS);
    const readAt = new Float64Array(own, length * NUMBERS * 8, length);
    return new Rows(new Uint8Array(own, length * (NUMBERS * 8 + 8), length), looks, readAt, length);
  }
}

function bytesOf(column: BigInt64Array | Float64Array | Uint8Array): Uint8Array {
  return new Uint8Array(column.buffer, column.byteOffset, column.byteLength);
}
