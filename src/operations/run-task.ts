import type { RunEnd } from "../ledger/index.ts";
import type { Held } from "../lease/index.ts";
import type { Log } from "../orchestrator/index.ts";
import { findTask } from "./defined-tasks.ts";
import type { Instance } from "./instance.ts";
import { orchestrate } from "./orchestrate.ts";

export type TaskRun =
  | { readonly outcome: "ran"; readonly end: RunEnd }
  | { readonly outcome: "deferred"; readonly held: Held }
  | { readonly outcome: "already-running" };

export interface TaskRunOptions {
  /** Milliseconds to wait for another holder of the lease. */
  readonly wait: number;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly onWaiting: (held: Held) => void;
}

/** Runs one task now, through the same gates as the daemon, and stands by until it has ended. */
export async function runTask(instance: Instance, name: string, { wait, log, signal, onWaiting }: TaskRunOptions): Promise<TaskRun> {
  const task = findTask(instance, name);
  await using orchestration = orchestrate(instance, log);
  const started = await orchestration.orchestrator.runNow(task, { wait, token: instance.leaseToken, onWaiting, signal });
  if (started === "already-running") return { outcome: "already-running" };
  if ("held" in started) return { outcome: "deferred", held: started.held };
  const stop = (): void => void orchestration.orchestrator.close();
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  return { outcome: "ran", end: await started.end };
}
