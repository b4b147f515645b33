import { closeSync, constants, fstatSync, openSync } from "node:fs";
import { identityOf, type FileIdentity } from "../../kernel/index.ts";
import { readFully } from "../../vault/index.ts";
import { breathe } from "../stop-signal.ts";
import { addChecksum, isSwapped, type Checksum } from "./wal-checksum.ts";

/** The committed part of a write-ahead log. */
export interface ScannedWal {
  readonly identity: FileIdentity;
  /** The log's own header. Hexadecimal. */
  readonly header: string;
  readonly salts: string;
  /** Bytes. */
  readonly pageSize: number;
  /** Committed frames, up to the last commit. */
  readonly frames: number;
  /** Pages of the database after it; 0 without any commit. */
  readonly pages: number;
  readonly checksum: readonly [number, number];
  /** The page that each frame holds, the first frame first; only the committed ones. */
  readonly pageOf: Uint32Array;
}

export const WAL_HEADER = 32;
export const FRAME_HEADER = 24;
const MAGIC = 0x377f0682;
const VERSION = 3_007_000;
/** Bytes that are read at once. */
const PIECE = 4 * 1024 * 1024;
const LARGEST_PAGE = 65_536;

/**
 * Reads a log from its beginning for as long as its frames are of its own generation and their checksums hold, and no
 * further than `limit` frames. What stands behind the last commit is no part of it: the frames of a transaction that was
 * rolled back or is under way, and those of an older generation.
 *
 * @returns undefined when it is no log, or has no whole header
 */
export async function scanWal(path: string, limit: number, signal: AbortSignal | undefined): Promise<ScannedWal | undefined> {
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stats = fstatSync(descriptor, { bigint: true });
    if (!stats.isFile()) return undefined;
    const head = headOf(descriptor);
    if (head === undefined) return undefined;
    const { pageSize, sum } = head;
    const frameSize = FRAME_HEADER + pageSize;
    const there = Math.min(limit, Math.max(0, Math.floor((Number(stats.size) - WAL_HEADER) / frameSize)));
    const pageOf = new Uint32Array(there);
    const committed = { frames: 0, pages: 0, checksum: [sum.one >>> 0, sum.two >>> 0] as readonly [number, number] };
    const perPiece = Math.max(1, Math.floor(PIECE / frameSize));
    const piece = Buffer.alloc(Math.min(perPiece, there) * frameSize);
    for (let first = 0; first < there; first += perPiece) {
      const wanted = Math.min(perPiece, there - first);
      const got = Math.floor(readFully(descriptor, piece, wanted * frameSize, WAL_HEADER + first * frameSize) / frameSize);
      const good = scanPiece({ piece, frames: got, first, frameSize, head, pageOf, committed });
      if (good < wanted) break;
      await breathe(signal);
    }
    return {
      identity: identityOf(stats),
      header: head.header,
      salts: head.salts,
      pageSize,
      ...committed,
      pageOf: pageOf.subarray(0, committed.frames),
    };
  } finally {
    closeSync(descriptor);
  }
}

/** The log's header, as far as it says which generation this is; undefined when it is not whole. */
export function walHeader(path: string): { readonly identity: FileIdentity; readonly size: number; readonly header: string } | undefined {
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const bytes = Buffer.alloc(WAL_HEADER);
    const stats = fstatSync(descriptor, { bigint: true });
    if (readFully(descriptor, bytes, WAL_HEADER, 0) < WAL_HEADER) return undefined;
    return { identity: identityOf(stats), size: Number(stats.size), header: bytes.toString("hex") };
  } finally {
    closeSync(descriptor);
  }
}

interface Head {
  readonly header: string;
  readonly salts: string;
  /** The salts as frames are compared with them. */
  readonly saltWords: readonly [number, number];
  readonly pageSize: number;
  readonly swapped: boolean;
  /** Runs on from frame to frame. */
  readonly sum: Checksum;
}

function headOf(descriptor: number): Head | undefined {
  const bytes = Buffer.alloc(WAL_HEADER);
  if (readFully(descriptor, bytes, WAL_HEADER, 0) < WAL_HEADER) return undefined;
  const magic = bytes.readUInt32BE(0);
  if ((magic & ~1) !== MAGIC || bytes.readUInt32BE(4) !== VERSION) return undefined;
  const pageSize = bytes.readUInt32BE(8);
  if (pageSize < 512 || pageSize > LARGEST_PAGE || !Number.isInteger(Math.log2(pageSize))) return undefined;
  const swapped = isSwapped((magic & 1) === 1);
  const sum: Checksum = { one: 0, two: 0 };
  addChecksum(sum, new Int32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + WAL_HEADER)), 0, 6, swapped);
  if (sum.one >>> 0 !== bytes.readUInt32BE(24) || sum.two >>> 0 !== bytes.readUInt32BE(28)) return undefined;
  return {
    header: bytes.toString("hex"),
    salts: bytes.toString("hex", 16, 24),
    saltWords: [bytes.readUInt32BE(16), bytes.readUInt32BE(20)],
    pageSize,
    swapped,
    sum,
  };
}

interface Piece {
  readonly piece: Buffer;
  /** Whole frames in it. */
  readonly frames: number;
  /** Frames before it. */
  readonly first: number;
  readonly frameSize: number;
  readonly head: Head;
  readonly pageOf: Uint32Array;
  readonly committed: { frames: number; pages: number; checksum: readonly [number, number] };
}

/** How many of its frames are good. */
function scanPiece({ piece, frames, first, frameSize, head, pageOf, committed }: Piece): number {
  // Every frame begins at a multiple of eight.
  const words = new Int32Array(piece.buffer, piece.byteOffset, piece.length / 4);
  const { sum, saltWords, swapped } = head;
  for (let index = 0; index < frames; index += 1) {
    const at = index * frameSize;
    const page = piece.readUInt32BE(at);
    const truncated = piece.readUInt32BE(at + 4);
    if (page === 0 || piece.readUInt32BE(at + 8) !== saltWords[0] || piece.readUInt32BE(at + 12) !== saltWords[1]) return index;
    addChecksum(sum, words, at / 4, at / 4 + 2, swapped);
    addChecksum(sum, words, (at + FRAME_HEADER) / 4, (at + frameSize) / 4, swapped);
    if (sum.one >>> 0 !== piece.readUInt32BE(at + 16) || sum.two >>> 0 !== piece.readUInt32BE(at + 20)) return index;
    pageOf[first + index] = page;
    if (truncated === 0) continue;
    committed.frames = first + index + 1;
    committed.pages = truncated;
    committed.checksum = [sum.one >>> 0, sum.two >>> 0];
  }
  return frames;
}
