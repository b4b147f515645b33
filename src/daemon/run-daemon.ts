import { setTimeout as sleep } from "node:timers/promises";
import { formatDuration } from "../kernel/index.ts";
import { orchestrate, shutdown, startup, type Instance, type Orchestration } from "../operations/index.ts";
import type { Log } from "../orchestrator/index.ts";

export interface DaemonOptions {
  /** Opened so that its lease does not hold up this thread. */
  readonly instance: Instance;
  readonly log: Log;
  /** First signal: nothing new starts, a running backup is finished, the last one is taken. */
  readonly stop: AbortSignal;
  /** Second signal: gives up at once, with nothing half-made. */
  readonly giveUp: AbortSignal;
}

/**
 * A restore that was cut off is settled, a backup is taken, then what is due runs until the daemon is told to stop; then the
 * last backup is taken. Any number of daemons may run on one state folder.
 */
export async function runDaemon({ instance, log, stop, giveUp }: DaemonOptions): Promise<void> {
  const { config } = instance;
  const budget = config.orchestrator.shutdownTimeout;
  let stoppedAt: number | undefined;
  stop.addEventListener("abort", () => (stoppedAt = performance.now()), { once: true });
  // A backup that runs when the signal comes is finished, and cut off only when the time is over.
  await startup(instance, { log, signal: AbortSignal.any([giveUp, sometimeAfter(stop, budget)]) });
  await using orchestration = orchestrate(instance, log);
  tellWhatIsWatched(orchestration, instance, log);
  await pollUntil(orchestration, config.orchestrator.pollInterval, stop);
  const { running } = orchestration.orchestrator;
  log("info", `Stopping: ${running.length === 0 ? "nothing runs" : `ending ${running.join(", ")}`}.`);
  await shutdown(instance, { log, orchestration, budget: budget - (performance.now() - (stoppedAt ?? performance.now())), giveUp });
}

function sometimeAfter(stop: AbortSignal, millis: number): AbortSignal {
  const later = new AbortController();
  stop.addEventListener("abort", () => setTimeout(() => later.abort(), Math.round(millis)).unref(), { once: true });
  return later.signal;
}

export function tellWhatIsWatched({ defined }: Orchestration, { config }: Instance, log: Log): void {
  log(
    "info",
    `Watching ${counted(defined.tasks.length, "task")} and ${counted(defined.services.length, "service")} of ${config.name} every ${formatDuration(config.orchestrator.pollInterval)}, pid ${process.pid}.`,
  );
}

/** One look after the other. */
export async function pollUntil(orchestration: Orchestration, interval: number, stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    // oxlint-disable-next-line no-await-in-loop -- one look after the other
    await orchestration.poll();
    // oxlint-disable-next-line no-await-in-loop -- see above
    await sleep(interval, undefined, { signal: stop }).catch(() => {});
  }
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
