import { messageOf, startForeground, type ForegroundProgram } from "../kernel/index.ts";
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
 * after it has stopped. Signals are its own; after the first that ends it, the last backup has what is left of
 * `orchestrator.shutdown_timeout`, since whoever sent it may kill everything then.
 *
 * @returns the program's exit code
 */
export async function runBeside({ instance, argv, cwd, interactive, log, onSignals }: RunBesideOptions): Promise<number> {
  const { config } = instance;
  const starting = new AbortController();
  const giveUp = new AbortController();
  const late = new AbortController();
  const program: { running: ForegroundProgram | null } = { running: null };
  let endingSince: number | undefined;
  let ended = false;
  onSignals((signal) => {
    const isFirst = endingSince === undefined;
    if (signal !== "SIGHUP" || ended) endingSince ??= performance.now();
    if (program.running === null) starting.abort();
    else if (!ended) program.running.forward(signal);
    else if (!isFirst) giveUp.abort();
    else {
      // Whoever sent it may kill everything when that time is over.
      setTimeout(() => late.abort(), config.orchestrator.shutdownTimeout).unref();
      log("info", `${signal}: the last backup is finished first; a second signal gives it up.`);
    }
  });
  await startup(instance, { log, signal: starting.signal });
  if (starting.signal.aborted) return 130;
  const running = await startForeground(argv, { cwd, env: instance.env, interactive });
  program.running = running;
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
  log("info", `${argv[0]} ended with exit code ${exitCode}.`);
  over.abort();
  await polling;
  const budget = endingSince === undefined ? null : config.orchestrator.shutdownTimeout - (performance.now() - endingSince);
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
