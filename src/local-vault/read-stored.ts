import { DamageError, errnoOf } from "../kernel/index.ts";
import { readFully } from "../vault/index.ts";

/**
 * Fills a buffer from a file of the vault; fewer bytes at the end of the file.
 *
 * @throws DamageError BACKUP_DAMAGED when the disk does not give the bytes back: that is a verdict, and no mishap of this run
 */
export function readStored(descriptor: number, bytes: Buffer, position: number): number {
  try {
    return readFully(descriptor, bytes, bytes.length, position);
  } catch (cause) {
    if (errnoOf(cause) !== "EIO") throw cause;
    throw new DamageError("BACKUP_DAMAGED", "The backup cannot be read from the disk (EIO)", {
      cause,
      hint: "Use another backup, or another copy of this one; look at the disk",
    });
  }
}
