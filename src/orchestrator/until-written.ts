import { setTimeout as sleep } from "node:timers/promises";
import { monotonicNow, SQLITE, sqliteCodeOf } from "../kernel/index.ts";

/** For how long a write is tried while others write. Milliseconds. */
const PATIENCE = 2000;
const PAUSE = 25;

/**
 * Writes to a ledger that somebody else may be writing to at this moment. For what must not be lost, and has something of
 * its own to wait with: SQLite's waiting would hold up the thread.
 */
export async function untilWritten<T>(write: () => T): Promise<T> {
  const deadline = monotonicNow() + PATIENCE;
  for (;;) {
    try {
      return write();
    } catch (error) {
      if (sqliteCodeOf(error) !== SQLITE.BUSY || monotonicNow() >= deadline) throw error;
    }
    // oxlint-disable-next-line no-await-in-loop -- one attempt after the other
    await sleep(PAUSE);
  }
}
