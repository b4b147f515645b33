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
/** Of one row. */
export const ROW_BYTES: number = NUMBERS * 8 + 8 + 1;

/** What was seen of every name of a folder, in columns: objects of a million files take six times the memory. */
export class Rows {
  readonly #looks: BigInt64Array;
  readonly #readAt: Float64Array;
  /** Left out until they are noted. */
  readonly #kinds: Uint8Array;
  readonly bytes: Uint8Array;

  /** @param bytes of the columns, ROW_BYTES for each row, those of the widest numbers first; its own unless given */
  constructor(count: number, bytes?: Uint8Array) {
    // A copy, because a column of wide numbers may not begin at any place.
    const own = bytes === undefined ? new Uint8Array(count * ROW_BYTES) : new Uint8Array(bytes);
    this.bytes = own;
    this.#looks = new BigInt64Array(own.buffer, 0, count * NUMBERS);
    this.#readAt = new Float64Array(own.buffer, count * NUMBERS * 8, count);
    this.#kinds = new Uint8Array(own.buffer, count * (NUMBERS * 8 + 8), count);
  }

  /** @param readAt when its bytes were last read, or a folder was last listed. Milliseconds since the epoch */
  note(row: number, kind: RowKind, stats: BigIntStats, readAt: number): void {
    this.#kinds[row] = kind;
    const looks = this.#looks;
    looks[row * NUMBERS] = stats.ino;
    looks[row * NUMBERS + 1] = stats.size;
    looks[row * NUMBERS + 2] = stats.mtimeNs;
    looks[row * NUMBERS + 3] = stats.ctimeNs;
    this.#readAt[row] = readAt;
  }

  /** What another had of one of its rows. */
  copy(row: number, other: Rows, from: number): void {
    this.#kinds[row] = other.#kinds[from] ?? ROWS.leftOut;
    this.#looks.set(other.#looks.subarray(from * NUMBERS, (from + 1) * NUMBERS), row * NUMBERS);
    this.#readAt[row] = other.readAt(from);
  }

  kind(row: number): RowKind {
    return this.#kinds[row] as RowKind;
  }

  /** As Node gives it: above 2^63 it is negative. */
  inode(row: number): bigint {
    return this.#looks[row * NUMBERS] ?? 0n;
  }

  readAt(row: number): number {
    return this.#readAt[row] ?? 0;
  }

  /** Whether it looks as it did, and has not changed after `before`, in nanoseconds: a later change would show. */
  isSame(row: number, stats: BigIntStats, before: bigint): boolean {
    const looks = this.#looks;
    // As numbers of 64 bits on both sides nothing is allocated for them.
    return (
      looks[row * NUMBERS] === BigInt.asIntN(64, stats.ino) &&
      looks[row * NUMBERS + 1] === BigInt.asIntN(64, stats.size) &&
      looks[row * NUMBERS + 2] === BigInt.asIntN(64, stats.mtimeNs) &&
      looks[row * NUMBERS + 3] === BigInt.asIntN(64, stats.ctimeNs) &&
      stats.mtimeNs < before &&
      stats.ctimeNs < before
    );
  }
}
