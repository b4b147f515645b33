import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** Files of each sort; even. */
export const CHURN_FILES = 6;
/** Bytes of a file that does not grow: above what a backup reads at once. */
export const CHURN_SIZE = 1_500_000;
/** Bytes of a numbered line. */
export const CHURN_LINE = 64;

/** Bytes of the file that never rests: reading it takes longer than a turn of the processor. */
export const RESTLESS_SIZE = 32_000_000;

/** Another process that keeps changing a folder (see churn-child.ts). Resolves once everything was changed once. */
export async function churnProcess(folder: string): Promise<AsyncDisposable> {
  const child = spawn(process.execPath, [fileURLToPath(new URL("./churn-child.ts", import.meta.url)), folder], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(child, "close");
  await Promise.race([
    once(child.stdout, "data"),
    ended.then(() => {
      throw new Error("The process that changes files ended by itself");
    }),
  ]);
  return {
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode !== null || child.signalCode !== null)
        throw new Error("The process that changes files ended before it was told to");
      child.kill("SIGKILL");
      await ended;
    },
  };
}
