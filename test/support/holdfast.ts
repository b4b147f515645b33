import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { BUILT_COMMAND } from "./built-command-variable.ts";
import { runProgram, type ProgramOptions, type ProgramResult } from "./run-program.ts";

export const CHECKOUT: string = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");
/** The command as it is published, built before the tests; from the sources for a program that no test run has started. */
export const LAUNCHER: string = process.env[BUILT_COMMAND] ?? `${CHECKOUT}/bin/holdfast.js`;

export interface HoldfastOptions extends ProgramOptions {
  /** For node itself, e.g. `--max-old-space-size=64`. */
  readonly nodeFlags?: readonly string[];
}

/** Runs the command, as a user would, with the Node that runs the test. */
export async function holdfast(args: readonly string[], options: HoldfastOptions = {}): Promise<ProgramResult> {
  // Hundreds of starts in a test run compile the same modules.
  const cache = `${tmpdir()}/holdfast-test-compile-cache-${process.getuid?.() ?? 0}`;
  const env = {
    NODE_COMPILE_CACHE: cache,
    HOLDFAST_CONFIG: undefined,
    HOLDFAST_CRASHPOINT: undefined,
    NO_COLOR: "1",
    FORCE_COLOR: undefined,
    ...options.env,
  };
  return await runProgram([process.execPath, ...(options.nodeFlags ?? []), LAUNCHER, ...args], { ...options, env });
}
