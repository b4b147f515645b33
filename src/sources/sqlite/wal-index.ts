import { readSync } from "node:fs";
import { endianness } from "node:os";

/** What the shared index of a write-ahead log (-shm) says: https://sqlite.org/walformat.html */
export interface WalIndex {
  /** Of the log's generation, as they stand in the log's header. Hexadecimal. */
  readonly salts: string;
  /** Committed frames; 0 for a log that was just begun anew. */
  readonly frames: number;
  /** Pages of the database after the last of them. */
  readonly pages: number;
  /** Bytes. */
  readonly pageSize: number;
  /** Running checksum of the log at the last of them. */
  readonly checksum: readonly [number, number];
  /** Frames whose pages are in the database file, or which a checkpoint has begun to put there. */
  readonly backfilled: number;
  readonly attempted: number;
  /** The header itself. Two that are equal name the same committed state: generation, frames and their checksum are in it. */
  readonly header: string;
}

const HEADER = 48;
const WHOLE = 136;
const VERSION = 3_007_000;
const LITTLE = endianness() === "LE";

/** undefined while a writer is changing it. The descriptor stays open: see pin-child.ts. */
export function readWalIndex(descriptor: number): WalIndex | undefined {
  const bytes = Buffer.alloc(WHOLE);
  if (readSync(descriptor, bytes, 0, WHOLE, 0) < WHOLE) return undefined;
  const header = bytes.subarray(0, HEADER);
  // A writer changes the second copy first: equal copies are whole ones.
  if (!header.equals(bytes.subarray(HEADER, 2 * HEADER))) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, WHOLE);
  const word = (offset: number): number => view.getUint32(offset, LITTLE);
  if (word(0) !== VERSION || header[12] === 0 || !isWhole(word)) return undefined;
  const size = view.getUint16(14, LITTLE);
  return {
    salts: header.toString("hex", 32, 40),
    frames: word(16),
    pages: word(20),
    pageSize: size === 1 ? 65_536 : size,
    checksum: [word(24), word(28)],
    backfilled: word(96),
    attempted: word(128),
    header: header.toString("hex"),
  };
}

function isWhole(word: (offset: number) => number): boolean {
  let [one, two] = [0, 0];
  for (let offset = 0; offset < HEADER - 8; offset += 8) {
    one = (one + word(offset) + two) >>> 0;
    two = (two + word(offset + 4) + one) >>> 0;
  }
  return one === word(HEADER - 8) && two === word(HEADER - 4);
}
