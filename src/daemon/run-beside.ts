import { startForeground, type ForegroundProgram } from "../kernel/index.ts";
import { orchestrate, shutdown, startup, type Instance } from "../operations/index.ts";
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
  const program: { running: ForegroundProgram | null } = { running: null };
  let endingSince: number | undefined;
  let ended = false;
  onSignals((signal) => {
    if (signal !== "SIGHUP") endingSince ??= performance.now();
    if (program.running === null) starting.abort();
    else if (ended) giveUp.abort();
    else program.running.forward(signal);
  });
  await startup(instance, { log, signal: starting.signal });
  if (starting.signal.aborted) return 130;
  const running = await startForeground(argv, { cwd, env: instance.env, interactive });
  program.running = running;
  running.open();
  await using orchestration = orchestrate(instance, log);
  tellWhatIsWatched(orchestration, instance, log);
  const over = new AbortController();
  const polling = pollUntil(async () => ({ instance, orchestration }), over.signal);
  const exitCode = await running.exitCode;
  ended = true;
  log("info", `${argv[0]} ended with exit code ${exitCode}.`);
  over.abort();
  await polling;
  const budget = endingSince === undefined ? null : config.orchestrator.shutdownTimeout - (performance.now() - endingSince);
  await shutdown(instance, { log, orchestration, budget, giveUp: giveUp.signal });
  return exitCode;
}
