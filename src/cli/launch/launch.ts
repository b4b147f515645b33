import { Chunks } from "./chunks.ts";
import { KeptCode } from "./kept-code.ts";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** What main.ts exports. */
interface Command {
  readonly main: (argv: readonly string[]) => Promise<number>;
  readonly resetV8Flags: () => void;
}

/**
 * Runs the command out of its bundle: what the launcher loads where the package was built. The exit code is set and the process left
 * to end by itself, because process.exit() loses what a pipe has not taken yet.
 *
 * @param folder of the bundle
 */
export async function launch(folder: string, argv: readonly string[]): Promise<void> {
  const chunks = new Chunks(folder, KeptCode.of(folder));
  const { main, resetV8Flags } = chunks.load("main.cjs") as Command;
  const exitCode = await main(argv);
  process.exitCode = exitCode;
  // Of a run that ended early there is little to keep.
  if (exitCode === 0) undisturbed(() => chunks.keep(resetV8Flags));
}

/** What the command did is done: a signal that comes now must not make a failure of it. */
function undisturbed(work: () => void): void {
  const ignore = (): void => {};
  for (const signal of SIGNALS) process.on(signal, ignore);
  try {
    work();
  } finally {
    for (const signal of SIGNALS) process.off(signal, ignore);
  }
}
