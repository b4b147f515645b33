import type { BigIntStats, Stats } from "node:fs";

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

/** Inode, size, the times of its last changes, and when it was read. */
const INODE_BYTES = 8;
const NUMBERS = 4;
/** Of one row. */
export const ROW_BYTES: number = INODE_BYTES + NUMBERS * 8 + 1;
/** Nanoseconds. */
const SECOND = 1_000_000_000n;

/** As glanceAt() gives it. Nothing is believed that changed less than two minutes before it was read, so that no finer times are needed. */
export type Glance = Pick<Stats, "ino" | "size" | "mtimeMs" | "ctimeMs">;

/** The very numbers that a glance gives. */
export function asGlance({ ino, size, mtimeNs, ctimeNs }: BigIntStats): Glance {
  return { ino: Number(ino), size: Number(size), mtimeMs: millis(mtimeNs), ctimeMs: millis(ctimeNs) };
}

/** What was seen of every name of a folder, in columns: objects of a million files take six times the memory. */
export class Rows {
  readonly #inodes: BigInt64Array;
  /** Size, mtime, ctime and readAt of each; times in milliseconds since the epoch. */
  readonly #numbers: Float64Array;
  /** Left out until they are noted. */
  readonly #kinds: Uint8Array;
  readonly bytes: Uint8Array;

  /** @param bytes of the columns, ROW_BYTES for each row, those of the widest numbers first; its own unless given */
  constructor(count: number, bytes?: Uint8Array) {
    // A copy, because a column of wide numbers may not begin at any place.
    const own = bytes === undefined ? new Uint8Array(count * ROW_BYTES) : new Uint8Array(bytes);
    this.bytes = own;
    this.#inodes = new BigInt64Array(own.buffer, 0, count);
    this.#numbers = new Float64Array(own.buffer, count * INODE_BYTES, count * NUMBERS);
    this.#kinds = new Uint8Array(own.buffer, count * (INODE_BYTES + NUMBERS * 8), count);
  }

  /** @param readAt when its bytes were last read. Milliseconds since the epoch */
  note(row: number, kind: RowKind, stats: BigIntStats, readAt: number): void {
    const { size, mtimeMs, ctimeMs } = asGlance(stats);
    this.#kinds[row] = kind;
    this.#inodes[row] = stats.ino;
    this.#numbers[row * NUMBERS] = size;
    this.#numbers[row * NUMBERS + 1] = mtimeMs;
    this.#numbers[row * NUMBERS + 2] = ctimeMs;
    this.#numbers[row * NUMBERS + 3] = readAt;
  }

  /** What another had of one of its rows. */
  copy(row: number, other: Rows, from: number): void {
    this.#kinds[row] = other.#kinds[from] ?? ROWS.leftOut;
    this.#inodes[row] = other.inode(from);
    for (let number = 0; number < NUMBERS; number += 1)
      this.#numbers[row * NUMBERS + number] = other.#numbers[from * NUMBERS + number] ?? 0;
  }

  kind(row: number): RowKind {
    return this.#kinds[row] as RowKind;
  }

  /** As Node gives it: above 2^63 it is negative. */
  inode(row: number): bigint {
    return this.#inodes[row] ?? 0n;
  }

  readAt(row: number): number {
    return this.#numbers[row * NUMBERS + 3] ?? 0;
  }

  /** Whether it looks as it did, and has not changed after `before`, in milliseconds: a later change would show. */
  isSame(row: number, { ino, size, mtimeMs, ctimeMs }: Glance, before: number): boolean {
    const numbers = this.#numbers;
    return (
      numbers[row * NUMBERS] === size &&
      numbers[row * NUMBERS + 1] === mtimeMs &&
      numbers[row * NUMBERS + 2] === ctimeMs &&
      Number(BigInt.asUintN(64, this.inode(row))) === ino &&
      mtimeMs < before &&
      ctimeMs < before
    );
  }
}

/** As Node makes them of seconds and nanoseconds. */
function millis(nanoseconds: bigint): number {
  return Number(nanoseconds / SECOND) * 1000 + Number(nanoseconds % SECOND) / 1_000_000;
}
