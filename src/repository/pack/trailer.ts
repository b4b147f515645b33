/** Bytes of a pack file, at most. */
export const PACK_LIMIT: number = 64 * 1024 * 1024;
export const TRAILER_LENGTH = 8;
const END = "HFPE";

export function makeTrailer(directoryLength: number): Buffer {
  const trailer = Buffer.alloc(TRAILER_LENGTH);
  trailer.writeUInt32LE(directoryLength, 0);
  trailer.write(END, 4, "latin1");
  return trailer;
}

/** @returns the length of the sealed directory before it, or undefined when it is no trailer */
export function parseTrailer(bytes: Buffer): number | undefined {
  if (bytes.length !== TRAILER_LENGTH || bytes.toString("latin1", 4) !== END) return undefined;
  return bytes.readUInt32LE(0);
}
