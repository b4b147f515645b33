/** A copy slower than this has stopped. Bytes per millisecond. */
const SLOWEST = 1000;
/** No timer runs for longer. */
const LONGEST = 2 ** 31 - 1;

/** How long a database of so many bytes may take to be read: what takes longer has stopped, or never ends. Milliseconds, like the patience with a lock. */
export function copyTime(bytes: number, busyTimeout: number): number {
  return Math.min(60_000 + busyTimeout + Math.ceil(bytes / SLOWEST), LONGEST);
}
