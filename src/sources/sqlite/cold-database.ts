import { pause } from "../stop-signal.ts";
import { databaseState, type DatabaseState } from "./database-state.ts";

/** FAT counts the times of a file in steps of two seconds, ext4 with small inodes and old protocols in whole ones. Milliseconds. */
const COARSE = 2100;
/** The kernel gives the time of its last tick, and there are a hundred of those in a second at least. Milliseconds. */
const FINE = 25;
const SECOND = 1_000_000_000n;

/** A database once any later change of it would show, if it is one that nobody has open; as it is in any other case. Reads 100 bytes. */
export async function settledState(path: string, signal: AbortSignal | undefined): Promise<DatabaseState | undefined> {
  const state = databaseState(path);
  const wait = state === undefined || !isClosed(state) ? 0 : settlesIn(state);
  if (wait === 0) return state;
  await pause(wait, signal);
  return databaseState(path);
}

/**
 * Write-ahead mode, nobody has it open, and a change from now on would show: its file is one committed state. A plain read-only open
 * would leave -wal and -shm behind.
 */
export function isCold(state: DatabaseState): boolean {
  return isClosed(state) && settlesIn(state) === 0;
}

/**
 * Whether a cold reading is to be believed: nothing has touched the database since. The time of its last change is the kernel's, and
 * cannot be put back as that of its content can; the change counter stays the same in write-ahead mode mostly.
 */
export function stillCold(before: DatabaseState, after: DatabaseState | undefined): boolean {
  return (
    after !== undefined &&
    after.sidecars.size === 0 &&
    after.stats.size === before.stats.size &&
    after.stats.mtimeNs === before.stats.mtimeNs &&
    after.stats.ctimeNs === before.stats.ctimeNs &&
    after.changeCounter === before.changeCounter
  );
}

/** Milliseconds until a change would have another time than the last one; 0 when it would have by now. */
export function settlesIn({ stats: { ctimeNs } }: Pick<DatabaseState, "stats">, now: number = Date.now()): number {
  const step = ctimeNs % SECOND === 0n ? COARSE : FINE;
  const age = now - Number(ctimeNs / 1_000_000n);
  // Clocks are set back: what changes in the future changes at another time than now.
  return Math.abs(age) > step ? 0 : step - age + 1;
}

function isClosed({ wal, sidecars }: DatabaseState): boolean {
  return wal && sidecars.size === 0;
}
