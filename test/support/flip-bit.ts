import { readFileSync, writeFileSync } from "node:fs";

/** Changes one bit in the middle of a file; what it gives puts the file back as it was. */
export function flipBit(path: string): () => void {
  const whole = readFileSync(path);
  const bytes = Buffer.from(whole);
  const at = bytes.length >> 1;
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(path, bytes);
  return () => writeFileSync(path, whole);
}
