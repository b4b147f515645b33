import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

export interface RunningOrchestrator extends AsyncDisposable {
  readonly pid: number;
  /** The newest transaction that it has said is committed; at least this one is on record. */
  committed(): number;
  /** Resolves once that many are committed. @throws Error when the orchestrator ends first */
  reach(number: number): Promise<void>;
  /** The longest time between two commits since the last call, in milliseconds. */
  longestGap(): number;
}

/** Starts the orchestrator in a process of its own; it ends with the scope, and with this process however that ends. */
export function startOrchestrator(folder: string): RunningOrchestrator {
  const child = spawn(process.execPath, [join(import.meta.dirname, "orchestrator.ts"), folder], { stdio: ["pipe", "pipe", "inherit"] });
  let last = 0;
  let gap = 0;
  let rest = "";
  const waiting = new Set<() => void>();
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const [number = 0, millis = 0] = line.split(" ").map(Number);
      last = number;
      gap = Math.max(gap, millis);
    }
    for (const check of waiting) check();
  });
  const ended = once(child, "close");
  return {
    pid: child.pid ?? 0,
    committed: () => last,
    reach: async (number) => {
      await new Promise<void>((resolve, reject) => {
        const check = (): void => {
          if (last < number) return;
          waiting.delete(check);
          resolve();
        };
        waiting.add(check);
        void ended.then(() => reject(new Error(`The orchestrator ended after transaction ${last}, before ${number}`)));
        check();
      });
    },
    longestGap: () => {
      const longest = gap;
      gap = 0;
      return longest;
    },
    [Symbol.asyncDispose]: async () => {
      child.stdin.end();
      await ended;
    },
  };
}
