import { spawn } from "node:child_process";
import { tmpdir } from "node:os";
import { LAUNCHER } from "./holdfast.ts";

export interface ProgramEnd {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A command of this checkout that goes on while the test does other things. */
export interface RunningProgram {
  readonly pid: number;
  readonly ended: Promise<ProgramEnd>;
  stdout(): string;
  stderr(): string;
  /** Resolves with the first match in what it prints to either, or has printed; fails when it ends without one. */
  saw(pattern: RegExp): Promise<RegExpExecArray>;
  /** Sends a signal and resolves when it has ended. */
  end(signal: NodeJS.Signals): Promise<ProgramEnd>;
  signal(signal: NodeJS.Signals): void;
}

/** One line of `holdfast daemon --json`. */
export interface LogLine {
  readonly time: string;
  readonly level: string;
  readonly message: string;
  readonly task?: string;
}

/** Starts `holdfast ARGS` as a user would. Whoever starts it ends it. */
export function startHoldfast(
  args: readonly string[],
  { cwd, env, input }: { readonly cwd: string; readonly env: Readonly<Record<string, string | undefined>>; readonly input?: string },
): RunningProgram {
  const cache = `${tmpdir()}/holdfast-test-compile-cache-${process.getuid?.() ?? 0}`;
  const child = spawn(process.execPath, [LAUNCHER, ...args], {
    cwd,
    env: {
      ...process.env,
      NODE_COMPILE_CACHE: cache,
      HOLDFAST_CONFIG: undefined,
      HOLDFAST_CRASHPOINT: undefined,
      HOLDFAST_LEASE: undefined,
      NO_COLOR: "1",
      FORCE_COLOR: undefined,
      ...env,
    },
    stdio: ["pipe", "pipe", "pipe"],
  });
  const output = { stdout: "", stderr: "" };
  const looks = new Set<() => void>();
  for (const name of ["stdout", "stderr"] as const)
    child[name].setEncoding("utf8").on("data", (text: string) => {
      output[name] += text;
      for (const look of looks) look();
    });
  child.stdin.on("error", () => {});
  child.stdin.end(input ?? "");
  const exited = new Promise<ProgramEnd>((resolve) => child.once("exit", (exitCode, signal) => resolve({ exitCode, signal })));
  // What it started may have its output open for longer than it lives.
  const closed = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const ended = exited.then(async (end) => {
    if (end.signal !== "SIGKILL") await closed;
    return end;
  });
  const find = (pattern: RegExp): RegExpExecArray | null => pattern.exec(output.stdout) ?? pattern.exec(output.stderr);
  return {
    pid: child.pid ?? 0,
    ended,
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    saw: async (pattern) =>
      await new Promise((resolve, reject) => {
        const look = (): void => {
          const found = find(pattern);
          if (found === null) return;
          looks.delete(look);
          resolve(found);
        };
        looks.add(look);
        void ended.then(({ exitCode, signal }) =>
          reject(
            new Error(
              `holdfast ${args.join(" ")} ended with ${exitCode ?? signal} before it said ${String(pattern)}:\n${output.stdout}\n${output.stderr}`,
            ),
          ),
        );
        look();
      }),
    end: async (signal) => {
      child.kill(signal);
      return await ended;
    },
    signal: (signal) => void child.kill(signal),
  };
}

/** What a daemon with --json has said so far. A line that is not JSON fails the test. */
export function logOf(program: RunningProgram): LogLine[] {
  const lines = program.stdout().split("\n");
  // The last one may not be whole yet.
  return lines.slice(0, -1).map((line) => JSON.parse(line) as LogLine);
}
