import { messageOf, monotonicNow, startForeground, type ForegroundProgram } from "../kernel/index.ts";
import { orchestrate, shutdown, startup, type Instance, type Orchestration } from "../operations/index.ts";
import type { Log } from "../orchestrator/index.ts";
import { pollUntil, tellWhatIsWatched } from "./poll-until.ts";

export interface RunBesideOptions {
  /** Opened so that its lease does not hold up this thread. */
  readonly instance: Instance;
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly interactive: boolean;
  readonly log: Log;
  /** Told where signals go, once and before anything is started. */
  readonly onSignals: (take: (signal: NodeJS.Signals) => void) => void;
}

/**
 * Runs a program in any language, and protects its state: a backup before it starts, what is due while it runs, a backup
 * after it has stopped. Signals are its own; after one that it ends with, the last backup has what is left of
 * `orchestrator.shutdown_timeout`, since whoever sent it may kill everything then. One that it outlives by more than that
 * was no end, and an interrupt from the keyboard comes from a person, who kills nothing by the clock.
 *
 * @returns the program's exit code; 130 when it was told to end before it had begun
 */
export async function runBeside({ instance, argv, cwd, interactive, log, onSignals }: RunBesideOptions): Promise<number> {
  const { config } = instance;
  const starting = new AbortController();
  const giveUp = new AbortController();
  const late = new AbortController();
  const program: { running: ForegroundProgram | null } = { running: null };
  const { shutdownTimeout } = config.orchestrator;
  let told: number | undefined;
  let hurried: number | undefined;
  let ended = false;
  onSignals((signal) => {
    const typed = interactive && signal === "SIGINT";
    if (program.running === null) starting.abort();
    else if (!ended) {
      program.running.forward(signal);
      if (signal === "SIGHUP") return;
      told = monotonicNow();
      if (!typed) hurried = told;
    } else if (told !== undefined) giveUp.abort();
    else {
      told = monotonicNow();
      // Whoever sent it may kill everything when that time is over.
      if (!typed) setTimeout(() => late.abort(), shutdownTimeout).unref();
      log("info", `${signal}: the last backup is finished first; a second signal gives it up.`);
    }
  });
  await startup(instance, { log, signal: starting.signal });
  if (starting.signal.aborted) return 130;
  const running = await startForeground(argv, { cwd, env: instance.env, interactive });
  program.running = running;
  // A signal that came while it was made ready was for it as well.
  if (starting.signal.aborted) {
    running.abandon();
    await running.exitCode;
    return 130;
  }
  running.open();
  await using orchestration = orchestrateIfPossible(instance, log);
  const over = new AbortController();
  let polling = Promise.resolve();
  if (orchestration !== null) {
    tellWhatIsWatched(orchestration, instance, log);
    polling = pollUntil(async () => ({ instance, orchestration }), over.signal);
  }
  const exitCode = await running.exitCode;
  ended = true;
  const outlived = (since: number | undefined): boolean => since !== undefined && monotonicNow() - since > shutdownTimeout;
  if (outlived(told)) told = undefined;
  if (outlived(hurried)) hurried = undefined;
  log("info", `${argv[0]} ended with exit code ${exitCode}.`);
  over.abort();
  await polling;
  const budget = hurried === undefined ? null : shutdownTimeout - (monotonicNow() - hurried);
  await shutdown(instance, {
    log,
    budget,
    giveUp: giveUp.signal,
    until: late.signal,
    ...(orchestration === null ? {} : { orchestration }),
  });
  return exitCode;
}

/** Where nothing can be written down, nothing runs on schedule; the program has started, and goes on without. */
function orchestrateIfPossible(instance: Instance, log: Log): Orchestration | null {
  try {
    return orchestrate(instance, log);
  } catch (error) {
    log("error", `Nothing runs on schedule: ${messageOf(error)}`);
    return null;
  }
}
