import { setTimeout as sleep } from "node:timers/promises";
import { formatDuration } from "../kernel/index.ts";
import { orchestrate, settleRestore, type Instance } from "../operations/index.ts";
import type { Log } from "../orchestrator/index.ts";

export interface DaemonOptions {
  /** Opened so that its lease does not hold up this thread. */
  readonly instance: Instance;
  readonly log: Log;
  /** Ends it: nothing new starts, what runs is stopped and waited for. */
  readonly signal: AbortSignal;
}

/** Looks at what is due at every interval until it is told to stop. Any number of daemons may run on one state folder. */
export async function runDaemon({ instance, log, signal }: DaemonOptions): Promise<void> {
  const { config } = instance;
  await settle(instance, log);
  await using orchestration = orchestrate(instance, log);
  const { tasks, services } = orchestration.defined;
  log(
    "info",
    `Watching ${counted(tasks.length, "task")} and ${counted(services.length, "service")} of ${config.name} every ${formatDuration(config.orchestrator.pollInterval)}, pid ${process.pid}.`,
  );
  while (!signal.aborted) {
    // oxlint-disable-next-line no-await-in-loop -- one look after the other
    await orchestration.poll();
    // oxlint-disable-next-line no-await-in-loop -- see above
    await sleep(config.orchestrator.pollInterval, undefined, { signal }).catch(() => {});
  }
  log("info", `Stopping: ${orchestration.orchestrator.running.length === 0 ? "nothing runs" : `ending ${orchestration.orchestrator.running.join(", ")}`}.`);
}

/** What a crash cut off is ended before anything else is started; when a person must say how, that is said and not waited for. */
async function settle(instance: Instance, log: Log): Promise<void> {
  try {
    await settleRestore(instance);
  } catch (error) {
    log("error", `A restore that was cut off is not settled: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
