import { fileURLToPath } from "node:url";
import { answeringProcess } from "./answering-process.ts";

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
  const { child, first, ask, kill } = await answeringProcess<{ readonly result: { presence: string; remarks: string[] } }>([
    process.execPath,
    PROGRAM,
    stateDir,
  ]);
  return {
    pid: child.pid ?? 0,
    ...first.result,
    claim: async (task, now, lastRunAt) => await ask({ do: "claim", task, now, lastRunAt } satisfies LedgerCommand),
    wait: async (owner, now) => await ask({ do: "wait", owner, now } satisfies LedgerCommand),
    kill,
    [Symbol.asyncDispose]: kill,
  };
}
