import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** A program that prints lines until it is killed. */
export interface LineProgram extends AsyncDisposable {
  readonly pid: number;
  /** How many lines it has printed, and the last of them. */
  lines(): number;
  last(): string;
  /** Resolves once it has printed so many lines more; fails when it ends. */
  more(lines: number): Promise<void>;
  kill(): Promise<void>;
}

export function lineProgram(program: URL, args: readonly (string | number)[]): LineProgram {
  const child = spawn(process.execPath, [fileURLToPath(program), ...args.map(String)], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let count = 0;
  let last = "";
  let rest = "";
  let complaint = "";
  let killed = false;
  const waiting = new Set<() => void>();
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    const parts = (rest + text).split("\n");
    rest = parts.pop() ?? "";
    count += parts.length;
    last = parts.at(-1) ?? last;
    for (const check of waiting) check();
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => (complaint += text));
  const ended = once(child, "close");
  const kill = async (): Promise<void> => {
    const alone = !killed && (child.exitCode !== null || child.signalCode !== null);
    killed = true;
    child.kill("SIGKILL");
    await ended;
    if (alone) throw new Error(`"${program.pathname}" ended by itself: ${complaint}`);
  };
  return {
    pid: child.pid ?? 0,
    lines: () => count,
    last: () => last,
    async more(lines) {
      const wanted = count + lines;
      await new Promise<void>((resolve, reject) => {
        const check = (): void => {
          if (count < wanted) return;
          waiting.delete(check);
          resolve();
        };
        waiting.add(check);
        void ended.then(() => reject(new Error(`"${program.pathname}" ended: ${complaint}`)));
        check();
      });
    },
    kill,
    [Symbol.asyncDispose]: kill,
  };
}
