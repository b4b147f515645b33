import { writeSync } from "node:fs";

/**
 * Writes all of it, in as many writes as the system takes for that.
 *
 * @param position in the file; where it stands unless given, and behind what is there when it was opened to append
 * @param atOnce bytes of one write, at most
 * @throws system errors: what was written by then stays
 */
export function writeFully(descriptor: number, bytes: Uint8Array, position: number | null = null, atOnce: number = bytes.length): void {
  for (let done = 0; done < bytes.length;)
    done += writeSync(descriptor, bytes, done, Math.min(atOnce, bytes.length - done), position === null ? null : position + done);
}
