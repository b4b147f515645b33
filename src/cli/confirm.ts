import { createInterface } from "node:readline/promises";
import { InterruptedError, UsageError } from "../kernel/index.ts";
import type { Io } from "./io.ts";

/** Asks on a terminal; elsewhere --yes is needed, and its absence is an error and never a silent success. */
export async function confirm(io: Io, question: string, yes: boolean | undefined): Promise<void> {
  if (yes === true) return;
  if (!io.interactive)
    throw new UsageError("CONFIRMATION_NEEDED", `Not confirmed: ${question}`, { hint: "Add --yes; nothing was changed" });
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await prompt.question(`${question} [y/N] `, { signal: io.signal }).catch((cause: unknown) => {
      // Ctrl-C and Ctrl-D in place of an answer.
      throw new InterruptedError("INTERRUPTED", "Not confirmed; nothing was changed", { cause });
    });
    if (!/^y(es)?$/i.test(answer.trim())) throw new InterruptedError("INTERRUPTED", "Not confirmed; nothing was changed");
  } finally {
    prompt.close();
  }
}
