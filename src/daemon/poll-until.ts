import { setTimeout as sleep } from "node:timers/promises";
import { formatDuration } from "../kernel/index.ts";
import type { Instance, Orchestration } from "../operations/index.ts";
import type { Log } from "../orchestrator/index.ts";

export function tellWhatIsWatched(orchestration: Orchestration, instance: Instance, log: Log): void {
  log("info", `${whatIsWatched({ instance, orchestration })}, pid ${process.pid}.`);
}

export function whatIsWatched({ instance: { config }, orchestration: { defined } }: Watched): string {
  return `Watching ${counted(defined.tasks.length, "task")} and ${counted(defined.services.length, "service")} of ${config.name} every ${formatDuration(config.orchestrator.pollInterval)}`;
}

export interface Watched {
  readonly instance: Instance;
  readonly orchestration: Orchestration;
}

/** One look after the other. */
export async function pollUntil(watched: () => Promise<Watched>, stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    // oxlint-disable-next-line no-await-in-loop -- one look after the other
    const { instance, orchestration } = await watched();
    // oxlint-disable-next-line no-await-in-loop -- see above
    await orchestration.poll();
    // oxlint-disable-next-line no-await-in-loop -- see above
    await sleep(instance.config.orchestrator.pollInterval, undefined, { signal: stop }).catch(() => {});
  }
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
