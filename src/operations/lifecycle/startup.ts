import { messageOf, monotonicNow } from "../../kernel/index.ts";
import { openLedger } from "../../ledger/index.ts";
import type { Log } from "../../orchestrator/index.ts";
import type { Instance } from "../instance.ts";
import { settleRestore } from "../settle-restore.ts";
import { deferredByRestore, isBesideRestore, type BesideRestore } from "./beside-restore.ts";
import { lifecycleBackup, type LifecycleBackup } from "./lifecycle-backup.ts";

export interface StartupOptions extends BesideRestore {
  readonly signal?: AbortSignal;
}

/**
 * Before a runtime accepts work: ends a restore that was cut off, then takes a backup. Never throws and waits no longer than
 * `orchestrator.startup_wait` in all for other holders, and not at all for a restore that starts the runtime itself: then the
 * runtime starts, and the backup is due at once.
 */
export async function startup(instance: Instance, { log, restoring = false, signal }: StartupOptions): Promise<LifecycleBackup> {
  const { backup, orchestrator } = instance.config;
  const takes = backup.enabled && backup.onStartup;
  const until = monotonicNow() + orchestrator.startupWait;
  if (await isBesideRestore(instance, "startup", { log, restoring })) {
    if (!takes) return { outcome: "off" };
    makeDue(instance, log);
    return deferredByRestore("startup", log);
  }
  try {
    await settleRestore(instance, { wait: orchestrator.startupWait, ...(signal === undefined ? {} : { signal }) });
  } catch (error) {
    log("error", `A restore that was cut off is not settled: ${messageOf(error)}`);
  }
  if (!takes) return { outcome: "off" };
  const taken = await lifecycleBackup(instance, {
    trigger: "startup",
    wait: Math.max(0, until - monotonicNow()),
    log,
    ...(signal === undefined ? {} : { signal }),
  });
  if (taken.outcome === "deferred" || taken.outcome === "failed") makeDue(instance, log);
  return taken;
}

/** The next poll takes one. */
function makeDue({ config, clock }: Instance, log: Log): void {
  try {
    using ledger = openLedger(config.stateDir, (text) => log("warn", text));
    ledger.makeDue("backup", clock.now());
  } catch (error) {
    log("warn", `The backup could not be made due: ${messageOf(error)}`);
  }
}
