import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

export interface WriterOptions {
  /** Journal mode, WAL unless told. */
  readonly mode?: "wal" | "delete";
  /** Transactions per second, 100 unless told; 0 is as many as it can. */
  readonly tps?: number;
}

export interface Writer extends AsyncDisposable {
  readonly pid: number;
  /** The last transaction that the writer has said is committed. */
  committed(): number;
  /** Resolves when that many are committed; fails when the writer ends first. */
  waitFor(number: number): Promise<void>;
  /** Lets it finish and close its database; gives the last committed number. */
  stop(): Promise<number>;
  /** SIGKILL: its WAL stays behind. */
  kill(): Promise<number>;
}

/** Another process that keeps committing to a bank (see bank.ts). Resolves once its first transaction is committed. */
export async function writerProcess(database: string, options: WriterOptions = {}): Promise<Writer> {
  const child = spawn(
    process.execPath,
    [fileURLToPath(new URL("./writer-child.ts", import.meta.url)), database, options.mode ?? "wal", String(options.tps ?? 100)],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  let last = 0;
  let rest = "";
  let complaint = "";
  const waiting = new Set<() => void>();
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    last = Number(lines.at(-1) ?? last);
    for (const check of waiting) check();
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => (complaint += text));
  const ended = once(child, "close");

  const waitFor = async (number: number): Promise<void> => {
    await new Promise<void>((resolve, reject) => {
      const settle = (): void => {
        if (last < number) return;
        waiting.delete(settle);
        resolve();
      };
      waiting.add(settle);
      void ended.then(() => reject(new Error(`The writer ended at ${last}, before ${number}: ${complaint}`)));
      settle();
    });
  };
  const end = async (signal: NodeJS.Signals): Promise<number> => {
    child.kill(signal);
    await ended;
    return last;
  };
  const writer: Writer = {
    pid: child.pid ?? 0,
    committed: () => last,
    waitFor,
    stop: async () => {
      const number = await end("SIGTERM");
      if (child.exitCode !== 0) throw new Error(`The writer failed: ${complaint}`);
      return number;
    },
    kill: async () => await end("SIGKILL"),
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode === null && child.signalCode === null) await end("SIGKILL");
    },
  };
  await waitFor(1);
  return writer;
}
