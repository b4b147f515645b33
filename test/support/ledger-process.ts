import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export type LedgerCommand =
  | { readonly do: "claim"; readonly task: string; readonly now: number; readonly lastRunAt: number | null | "any" }
  | { readonly do: "wait"; readonly owner: string; readonly now: number };

/** Another process with the ledger of a state folder open, present there until it ends. */
export interface LedgerProcess extends AsyncDisposable {
  readonly pid: number;
  readonly presence: string;
  /** What opening the ledger had to say. */
  readonly remarks: readonly string[];
  /** The number of the run; null when it was not to be had. */
  claim(task: string, now: number, lastRunAt: number | null | "any"): Promise<number | null>;
  wait(owner: string, now: number): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
}

const PROGRAM = fileURLToPath(new URL("./ledger-child.ts", import.meta.url));

export async function ledgerProcess(stateDir: string): Promise<LedgerProcess> {
  const child = spawn(process.execPath, [PROGRAM, stateDir], { stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.on("error", () => {});
  const ended = once(child, "exit");
  const lines = createInterface({ input: child.stdout });
  const waiting: { resolve: (line: string) => void; reject: (error: Error) => void }[] = [];
  lines.on("line", (line) => waiting.shift()?.resolve(line));
  lines.once("close", () => {
    for (const { reject } of waiting.splice(0)) reject(new Error("The process ended before it answered"));
  });
  const answer = async <T>(): Promise<T> => {
    const line = await new Promise<string>((resolve, reject) => waiting.push({ resolve, reject }));
    const { result, error } = JSON.parse(line) as { result: T; error?: string };
    if (error !== undefined) throw new Error(error);
    return result;
  };
  const ask = async <T>(command: LedgerCommand): Promise<T> => {
    child.stdin.write(`${JSON.stringify(command)}\n`);
    return await answer<T>();
  };
  const kill = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
    await ended;
  };
  const { presence, remarks } = await answer<{ presence: string; remarks: string[] }>();
  return {
    pid: child.pid ?? 0,
    presence,
    remarks,
    claim: async (task, now, lastRunAt) => await ask({ do: "claim", task, now, lastRunAt }),
    wait: async (owner, now) => await ask({ do: "wait", owner, now }),
    kill,
    [Symbol.asyncDispose]: kill,
  };
}
