import { spawn } from "node:child_process";

export interface ProgramOptions {
  readonly cwd?: string;
  /** Added to the environment; undefined takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly input?: string;
  /** Milliseconds until the program is killed, two minutes unless told; then `signal` is SIGKILL. */
  readonly timeout?: number;
  /** Called with the process id as soon as there is one, to signal it. */
  readonly onStart?: (pid: number) => void;
  /** Called with every piece of standard output as it comes. */
  readonly onOutput?: (text: string) => void;
}

export interface ProgramResult {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Standard output as one JSON document. */
  json<T = unknown>(): T;
  /** Standard output as JSON Lines. */
  jsonLines<T = unknown>(): T[];
}

/** Runs a program to the end of its output, without a shell. Never throws for what the program does. */
export async function runProgram(argv: readonly string[], options: ProgramOptions = {}): Promise<ProgramResult> {
  const [program = "", ...args] = argv;
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ["pipe", "pipe", "pipe"],
    timeout: options.timeout ?? 120_000,
    killSignal: "SIGKILL",
  });
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => (output[name] += text));
  }
  child.stdout.on("data", (text: string) => options.onOutput?.(text));
  // A program that does not read its input is its own business.
  child.stdin.on("error", () => {});
  child.stdin.end(options.input ?? "");
  if (child.pid !== undefined) options.onStart?.(child.pid);
  const [exitCode, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, by) => resolve([code, by]));
  });
  const parse = (text: string): unknown => {
    try {
      return JSON.parse(text);
    } catch (cause) {
      throw new Error(`${argv.join(" ")}: not JSON (exit code ${exitCode})\nstdout: ${output.stdout}\nstderr: ${output.stderr}`, { cause });
    }
  };
  return {
    exitCode,
    signal,
    ...output,
    json: <T>() => parse(output.stdout) as T,
    jsonLines: <T>() =>
      output.stdout
        .trimEnd()
        .split("\n")
        .map((line) => parse(line) as T),
  };
}
