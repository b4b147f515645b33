import { isRecentlyRead, isSameLook, settledBefore, type DatabaseLook, type FileLook } from "../../vault/index.ts";
import type { SeenDatabase } from "../cache/component-cache.ts";

/**
 * Whether a database and its log look as they did when it was copied, and that is not long ago.
 *
 * @param begun when the backup began that copied it. Milliseconds since the epoch
 */
export function isSameDatabase({ look: seen, readAt }: SeenDatabase, look: DatabaseLook, begun: number, now: number): boolean {
  if (seen === null || !isRecentlyRead(readAt, now) || !isStill(seen.file, look.file, begun)) return false;
  // A log that went away may have held what the file never got.
  return look.log === null ? seen.log === null : seen.log !== null && isStill(seen.log, look.log, begun);
}

/** Both times lie so far before that backup that a later change shows. */
function isStill(seen: FileLook, look: FileLook, begun: number): boolean {
  const limit = settledBefore(begun);
  return isSameLook(seen, look) && look.mtimeNs < limit && look.ctimeNs < limit;
}
