import { runProgram, type ProgramOptions, type ProgramResult } from "./run-program.ts";

/** Runs a program as another account: no groups, no capabilities. Needs root. */
export async function asUser(uid: number, argv: readonly string[], options: ProgramOptions = {}): Promise<ProgramResult> {
  return await runProgram(["setpriv", `--reuid=${uid}`, `--regid=${uid}`, "--clear-groups", "--inh-caps=-all", "--", ...argv], options);
}
