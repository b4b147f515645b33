import { hkdfSync } from "node:crypto";

const ENTRIES = 256;

/**
 * A number for each byte value, from which the chunker rolls its hash. Drawn from a key, so that the lengths of the
 * chunks, which the sizes of stored frames may show, cannot be compared with those of a file that somebody has at hand.
 *
 * @param key 32 bytes, for chunking alone
 */
export function gearTable(key: Uint8Array): Int32Array {
  const bytes = Buffer.from(hkdfSync("sha256", key, "", "holdfast gear", ENTRIES * 4));
  return Int32Array.from({ length: ENTRIES }, (_, value) => bytes.readInt32LE(value * 4));
}
