import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { InternalError } from "../../kernel/index.ts";

/** A process that answers one JSON line for each that it is sent, and one at a time. */
export interface LineChild<Request, Answer> {
  /** undefined when the process ended without an answer. */
  ask(request: Request): Promise<Answer | undefined>;
  kill(): void;
  /** How it ended, for people. */
  readonly ended: Promise<string>;
}

/** @param program path of its module */
export function startLineChild<Request, Answer>(program: string): LineChild<Request, Answer> {
  const environment = { ...process.env };
  // What is preloaded into the engine has no business beside a database.
  delete environment["NODE_OPTIONS"];
  const child: ChildProcess = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", program], {
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
      const answer = new Promise<Answer | undefined>((resolve) => {
        lines.once("line", (line) => resolve(JSON.parse(line) as Answer));
        void ended.then(() => resolve(undefined));
      });
      stdin.write(`${JSON.stringify(request)}\n`);
      return answer;
    },
    kill: () => void child.kill("SIGKILL"),
    ended,
  };
}
