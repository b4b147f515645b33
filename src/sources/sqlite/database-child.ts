import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { CaptureError, entryPath, InternalError } from "../../kernel/index.ts";
import { throwIfStopped } from "../stop-signal.ts";
import type { CopyAnswer, CopyRequest } from "./copy-protocol.ts";

/** Opens databases in a process of its own, one after the other; the process starts with the first one. */
export interface DatabaseChild {
  /**
   * @param deadline milliseconds after which the process is killed
   * @throws CaptureError DATABASE_LOCKED at the deadline
   */
  copy(request: CopyRequest, deadline: number, signal: AbortSignal | undefined): Promise<CopyAnswer>;
  /** Ends the process, whatever it does. */
  close(): Promise<void>;
}

export function databaseChild(): DatabaseChild {
  let running: Running | undefined;
  return {
    async copy(request, deadline, signal) {
      throwIfStopped(signal);
      running ??= start();
      const child = running;
      let late = false;
      const timer = setTimeout(() => {
        late = true;
        child.kill();
      }, deadline);
      const stop = (): void => child.kill();
      signal?.addEventListener("abort", stop, { once: true });
      try {
        const answer = await child.ask(request);
        if (answer !== undefined) return answer;
      } finally {
        clearTimeout(timer);
        signal?.removeEventListener("abort", stop);
      }
      running = undefined;
      throwIfStopped(signal);
      if (late) {
        throw new CaptureError("DATABASE_LOCKED", `"${request.path}" was not copied within ${Math.round(deadline / 1000)} s`, {
          hint: "See what holds the database, and how fast its disk is; then try again",
        });
      }
      throw new CaptureError("COMPONENT_UNREADABLE", `The process that read "${request.path}" ended: ${await child.ended}`, {
        hint: "See the system's log for a crash or for memory that ran out; then try again",
      });
    },
    async close() {
      const child = running;
      running = undefined;
      child?.kill();
      await child?.ended;
    },
  };
}

interface Running {
  /** undefined when the process ended without an answer. */
  ask(request: CopyRequest): Promise<CopyAnswer | undefined>;
  kill(): void;
  readonly ended: Promise<string>;
}

function start(): Running {
  const environment = { ...process.env };
  // What is preloaded into the engine has no business beside a database.
  delete environment["NODE_OPTIONS"];
  const child: ChildProcess = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", entryPath(import.meta.url, "./child")], {
    env: environment,
    stdio: ["pipe", "pipe", "pipe"],
  });
  const { stdin, stdout, stderr } = child;
  if (stdin === null || stdout === null || stderr === null) throw new InternalError("A child process has no pipes");
  let said = "";
  stderr.setEncoding("utf8").on("data", (text: string) => (said = (said + text).slice(-2000)));
  // The process ended: its exit says why.
  stdin.on("error", () => {});
  const ended = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("close", (exit, signal) => resolve(`${signal ?? `exit code ${exit}`}${said === "" ? "" : `: ${said.trim()}`}`));
  });
  const lines = createInterface({ input: stdout });
  return {
    ask(request) {
      const answer = new Promise<CopyAnswer | undefined>((resolve) => {
        lines.once("line", (line) => resolve(JSON.parse(line) as CopyAnswer));
        void ended.then(() => resolve(undefined));
      });
      stdin.write(`${JSON.stringify(request)}\n`);
      return answer;
    },
    kill: () => void child.kill("SIGKILL"),
    ended,
  };
}
