import { HoldfastError } from "../kernel/index.ts";
import type { WatchedReading } from "./watched-reading.ts";

/** How often a database is read in place before it is copied. */
const PINS = 3;

/**
 * Stores a reading. A database that was read in place and did not hold still is read again, and in the end from a copy,
 * which is no less safe: nothing of what was stored before is named.
 *
 * @param open opens it for the first time, once more and held by a process whether somebody has it open or not, or from a copy
 */
export async function untilHeld(
  open: (how: "first" | "held" | "staged") => Promise<WatchedReading>,
  store: (reading: WatchedReading) => Promise<void>,
): Promise<void> {
  for (let taken = 0; ; taken += 1) {
    const reading = await open(taken === 0 ? "first" : taken < PINS ? "held" : "staged");
    try {
      await store(reading);
      return;
    } catch (error) {
      const moved = error instanceof HoldfastError && error.code === "COMPONENT_MOVED";
      const read = reading.report().sqlite?.read ?? "staged";
      if (!moved || read === "staged" || taken === PINS) throw error;
      // What it takes longer to store than it may be held is not held again.
      if (error.details?.["pin"] === "expired") taken = PINS - 1;
    }
  }
}
