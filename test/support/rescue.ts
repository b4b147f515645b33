import { join } from "node:path";
import { CHECKOUT } from "./holdfast.ts";
import { runProgram, type ProgramResult } from "./run-program.ts";

/** The reader of vaults in repository form that knows nothing of Holdfast. */
export const RESCUE: string = join(CHECKOUT, "tools/rescue.mjs");

export async function rescue(...argv: string[]): Promise<ProgramResult> {
  return await runProgram([process.execPath, RESCUE, ...argv]);
}
