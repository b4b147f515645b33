import { monotonicNow } from "../kernel/index.ts";
import { orchestrate, shutdown, startup, type Instance } from "../operations/index.ts";
import type { Log } from "../orchestrator/index.ts";
import { notifySystemd } from "./notify-systemd.ts";
import { pollUntil, tellWhatIsWatched, whatIsWatched } from "./poll-until.ts";
import { serveApi } from "./serve-api.ts";
import { Reloading } from "./reloading.ts";

export interface DaemonOptions {
  /** What systemd has passed to the process is taken out of it. */
  readonly env: NodeJS.ProcessEnv;
  /** Reads the configuration, each time anew; its lease does not hold up this thread. */
  readonly open: () => Promise<Instance>;
  readonly log: Log;
  /** First signal: nothing new starts, a running backup is finished, the last one is taken. */
  readonly stop: AbortSignal;
  /** Second signal: gives up at once, with nothing half-made. */
  readonly giveUp: AbortSignal;
  /** Told what to call when the configuration is to be read again. */
  readonly onReload: (reload: () => void) => void;
}

/**
 * A restore that was cut off is settled, a backup is taken, then what is due runs until the daemon is told to stop; then the
 * last backup is taken. Any number of daemons may run on one state folder.
 */
export async function runDaemon({ env, open, log, stop, giveUp, onReload }: DaemonOptions): Promise<void> {
  await using systemd = notifySystemd(env, log);
  systemd.starting();
  const instance = await open();
  let stoppedAt: number | undefined;
  stop.addEventListener("abort", () => (stoppedAt = monotonicNow()), { once: true });
  const { shutdownTimeout } = instance.config.orchestrator;
  // A backup that runs when the signal comes is finished, and cut off only when the time is over.
  await startup(instance, { log, signal: AbortSignal.any([giveUp, sometimeAfter(stop, shutdownTimeout)]) });
  await using reloading = new Reloading({ instance, orchestration: orchestrate(instance, log), open, log });
  tellWhatIsWatched(reloading.current.orchestration, instance, log);
  onReload(() => {
    systemd.reloading();
    reloading.ask();
  });
  const api = await serveApi(() => reloading.current, log, giveUp);
  systemd.ready(whatIsWatched(reloading.current));
  await pollUntil(async () => {
    systemd.looking(reloading.current.instance.config.orchestrator.pollInterval);
    await reloading.settle();
    if (!reloading.asked) systemd.reloaded(() => whatIsWatched(reloading.current));
    return reloading.current;
  }, stop);
  systemd.stopping();
  await api.close();
  const { current } = reloading;
  const { running } = current.orchestration.orchestrator;
  log("info", `Stopping: ${running.length === 0 ? "nothing runs" : `ending ${running.join(", ")}`}.`);
  const budget = current.instance.config.orchestrator.shutdownTimeout - (monotonicNow() - (stoppedAt ?? monotonicNow()));
  await shutdown(current.instance, { log, orchestration: reloading.all(), budget, giveUp });
}

function sometimeAfter(stop: AbortSignal, millis: number): AbortSignal {
  const later = new AbortController();
  stop.addEventListener("abort", () => setTimeout(() => later.abort(), Math.round(millis)).unref(), { once: true });
  return later.signal;
}
