import { BusyError, messageOf } from "../../kernel/index.ts";
import type { Log } from "../../orchestrator/index.ts";
import type { Instance } from "../instance.ts";
import { runningRestore } from "../settle-restore.ts";
import type { LifecycleBackup } from "./lifecycle-backup.ts";

export interface BesideRestore {
  readonly log: Log;
  /** This process has started one, which may not have the lease yet. */
  readonly restoring?: boolean;
}

/**
 * Whether a restore may be waiting for this very runtime: it stops and starts it while it holds the lease, so that a runtime
 * that waited for the lease would wait for whoever waits for it. Never throws.
 */
export async function isBesideRestore(
  instance: Instance,
  trigger: "startup" | "shutdown",
  { log, restoring = false }: BesideRestore,
): Promise<boolean> {
  if (restoring) return true;
  try {
    const restore = await runningRestore(instance);
    // Between the renames nothing may be started: that is waited for, as for any other holder.
    return trigger === "startup" ? restore?.startsRuntime === true : restore !== null;
  } catch (error) {
    log("warn", `Whether a restore is running cannot be told: ${messageOf(error)}`);
    return false;
  }
}

export function deferredByRestore(trigger: "startup" | "shutdown", log: Log): LifecycleBackup {
  const error = new BusyError("RESTORE_RUNNING", "A restore is running, and may wait for the runtime", {
    hint: "A backup is taken when it has ended; how far it is: holdfast status",
  });
  log("warn", `No ${trigger} backup was taken: ${error.code}: ${error.message}.`);
  return { outcome: "deferred", error };
}
