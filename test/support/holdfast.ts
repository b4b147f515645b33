import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { runProgram, type ProgramOptions, type ProgramResult } from "./run-program.ts";

export const CHECKOUT: string = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");
export const LAUNCHER: string = `${CHECKOUT}/bin/holdfast.js`;

export interface HoldfastOptions extends ProgramOptions {
  /** For node itself, e.g. `--max-old-space-size=64`. */
  readonly nodeFlags?: readonly string[];
}

/** Runs the command of this checkout, as a user would, with the Node that runs the test. */
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
