import { InterruptedError, monotonicNow, type HoldfastError } from "../../kernel/index.ts";
import type { Instance } from "../instance.ts";
import { tellLost } from "../lost-backup.ts";
import type { Orchestration } from "../orchestrate.ts";
import { deferredByRestore, isBesideRestore, type BesideRestore } from "./beside-restore.ts";
import { lifecycleBackup, type LifecycleBackup } from "./lifecycle-backup.ts";

export interface ShutdownOptions extends BesideRestore {
  /** What this process runs: it is ended first, a running backup by letting it finish. */
  readonly orchestration?: Pick<Orchestration, "close">;
  /** Milliseconds for everything; null when nobody is in a hurry. */
  readonly budget: number | null;
  /** A second signal: gives up at once, with nothing half-made. */
  readonly giveUp: AbortSignal;
  /** The time is over, for who had all the time there is until somebody was in a hurry. */
  readonly until?: AbortSignal;
}

/** Of the budget, for tasks to end when they are asked. */
const FOR_TASKS = 8;

/**
 * After a runtime has stopped: no new work, a running backup is finished and never cancelled or refused, then the last
 * backup is taken within the budget. What was not taken is said. Never throws.
 */
export async function shutdown(
  instance: Instance,
  { log, restoring = false, orchestration, budget, giveUp, until }: ShutdownOptions,
): Promise<LifecycleBackup> {
  const { backup } = instance.config;
  const over = AbortSignal.any([
    giveUp,
    ...(until === undefined ? [] : [until]),
    ...(budget === null ? [] : [AbortSignal.timeout(Math.max(1, Math.round(budget)))]),
  ]);
  const began = monotonicNow();
  await orchestration?.close({ grace: budget === null ? null : budget / FOR_TASKS, finish: "backup", until: over });
  if (!backup.enabled || !backup.onShutdown) return { outcome: "off" };
  if (await isBesideRestore(instance, "shutdown", { log, restoring })) return deferredByRestore("shutdown", log);
  const left = budget === null ? instance.config.orchestrator.startupWait : budget - (monotonicNow() - began);
  const taken = await lifecycleBackup(instance, { trigger: "shutdown", wait: Math.max(0, left), signal: over, log });
  if (taken.outcome === "failed" && taken.error.code === "INTERRUPTED")
    log(
      "error",
      giveUp.aborted
        ? "The shutdown backup was given up at a second signal."
        : "There was no time for the shutdown backup; nothing half-made is left.",
    );
  if (over.aborted && !giveUp.aborted && taken.outcome === "failed" && taken.error.code === "INTERRUPTED")
    await tellNoTime(instance, taken.error, giveUp);
  return taken;
}

/** Of the little that is left before whoever is in a hurry kills everything: what does not arrive is sent by the next one who tells. */
const FOR_TELLING = 1000;

async function tellNoTime(instance: Instance, cause: HoldfastError, giveUp: AbortSignal): Promise<void> {
  const failure = new InterruptedError("DEADLINE", "There was no time for the shutdown backup", {
    cause,
    hint: "Give orchestrator.shutdown_timeout more, and whoever stops the process as well",
  });
  await tellLost(instance, "shutdown", failure, AbortSignal.any([giveUp, AbortSignal.timeout(FOR_TELLING)]));
}
