import { OpenJournal, readJournal, settle, type RestoreJournal, type Settled } from "../restore/index.ts";
import type { Instance } from "./instance.ts";

/** A restore that runs or was cut off; null when there is none. */
export function pendingRestore({ config }: Instance): RestoreJournal | null {
  return readJournal(config.stateDir);
}

/**
 * Ends a restore that a crash cut off; every operation that changes anything calls it first.
 *
 * @throws BusyError RESTORE_RUNNING · ConflictError RESTORE_UNSETTLED when a person must choose
 */
export async function settleRestore(instance: Instance, choice?: "old" | "new"): Promise<Settled | null> {
  const { config, clock } = instance;
  if (readJournal(config.stateDir) === null) return null;
  using open = OpenJournal.open(config.stateDir);
  if (open.pending === null) return null;
  const settled = await settle(open, clock.now(), choice);
  instance.remark(
    `A restore of ${settled.backup} that was cut off is settled: ${settled.outcome === "old" ? "everything is as it was before it" : "everything is as the backup says"}`,
  );
  return settled;
}
