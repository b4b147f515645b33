import { constants, zstdCompressSync, zstdDecompressSync, type ZstdCompress, type ZstdDecompress, type ZstdOptions } from "node:zlib";

/** The least that Node takes for a chunk. */
const SMALLEST_CHUNK = 64;

/** Level 3 takes a quarter to a third longer, to compress and to read back, and saves 3 % of pages and of logs, 8 % of notes (docs/decisions/0021). */
const PARAMETERS = { [constants.ZSTD_c_compressionLevel]: 2 };

/** @returns one zstd frame */
export function compress(raw: Uint8Array): Buffer {
  // A chunk above the bound of zstd makes one piece of the result, which is then not copied together.
  const bound = raw.length + (raw.length >>> 8) + 1024;
  return atOnce(zstdCompressSync, raw, { chunkSize: bound, params: PARAMETERS }).bytes;
}

/**
 * @param packed one zstd frame
 * @param chunk what is expected to come out; more comes in pieces of that length and is copied together. Bytes
 * @param limit what may come out. Bytes
 * @throws what zlib throws, for more as well · RangeError when something lies behind the frame
 */
export function decompress(packed: Uint8Array, chunk: number, limit: number): Buffer {
  // Node makes another chunk when one is full to its last byte.
  const { bytes, read } = atOnce(zstdDecompressSync, packed, { chunkSize: Math.max(chunk + 1, SMALLEST_CHUNK), maxOutputLength: limit });
  if (read !== packed.length) throw new RangeError(`${packed.length - read} bytes behind the end of the frame`);
  return bytes;
}

/** What Node gives when asked for `info`, and its types do not say. */
interface WithEngine {
  readonly buffer: Buffer;
  readonly engine: ZstdCompress | ZstdDecompress;
}

/**
 * The engine of a one-shot call keeps the memory of its result, and is itself kept by its handle until V8 collects everything:
 * of what nobody frees, each megabyte would outlive its minor collection, and every 64 of them bring a full one about.
 *
 * @returns what came out, and how much of what went in was read
 */
function atOnce(
  call: (bytes: Uint8Array, options: ZstdOptions) => Buffer,
  bytes: Uint8Array,
  options: ZstdOptions,
): { readonly bytes: Buffer; readonly read: number } {
  const given = call(bytes, { ...options, info: true }) as Buffer | WithEngine;
  // It may say one day that it gives nothing but the bytes.
  if (Buffer.isBuffer(given)) return { bytes: given, read: bytes.length };
  const { buffer, engine } = given;
  Object.assign(engine, { _outBuffer: null });
  return { bytes: buffer, read: engine.bytesWritten };
}
