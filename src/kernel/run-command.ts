import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { InterruptedError } from "./errors.ts";
import { enlisted, spawnGated, type GatedChildOptions } from "./gated-child.ts";
import { withholding, type ProgramPlace } from "./program-place.ts";

/** In this process's folder and with its environment unless told. */
export interface RunOptions extends Partial<ProgramPlace> {
  /** Milliseconds until the process group gets TERM, and KILL five seconds later. */
  readonly timeout?: number;
  readonly signal?: AbortSignal;
  /** Text for standard input. */
  readonly input?: string;
  /** File for standard input, in place of a text. */
  readonly inputFile?: string;
  /** How many characters of each output stream are kept, from its end; 65,536 unless told. */
  readonly keep?: number;
}

export interface RunResult {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly timedOut: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs one program to its end, without a shell, in a process group of its own, so that a deadline
 * or an abort reaches what it started as well. Exit codes are the caller's business; only a program
 * that cannot be started and an abort throw.
 */
export async function runCommand(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const [program, ...args] = argv;
  if (program === undefined) throw new TypeError("runCommand needs a program");
  options.signal?.throwIfAborted();
  const keep = options.keep ?? 65_536;
  const input = options.inputFile === undefined ? undefined : openSync(options.inputFile, "r");
  const { cwd, env = process.env, withhold } = options;
  const stdio = [input ?? "pipe", "pipe", "pipe"] as const;
  const child =
    options.enlist === undefined
      ? withholding(withhold, stdio, (all) => spawn(program, args, { cwd, env, stdio: all, detached: true }))
      : await startEnlisted(argv, { ...options, env, stdio });
  if (input !== undefined) closeSync(input);
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name]?.setEncoding("utf8").on("data", (text: string) => {
      output[name] = keep === 0 ? "" : (output[name] + text).slice(-keep);
    });
  }
  // A program that does not read its input is no failure of ours.
  child.stdin?.on("error", () => {});
  child.stdin?.end(options.input ?? "");

  let timedOut = false;
  let hardStop: NodeJS.Timeout | undefined;
  const stop = (): void => {
    stopGroup(child.pid, "SIGTERM");
    hardStop ??= setTimeout(() => stopGroup(child.pid, "SIGKILL"), 5000);
  };
  const deadline =
    options.timeout === undefined
      ? undefined
      : setTimeout(() => {
          timedOut = true;
          stop();
        }, options.timeout);
  options.signal?.addEventListener("abort", stop, { once: true });
  // Also one that came while the program was written down.
  if (options.signal?.aborted === true) stop();
  try {
    const end = await new Promise<Pick<RunResult, "exitCode" | "signal">>((resolve, reject) => {
      child.once("error", reject);
      // "exit" and not "close": a grandchild that keeps the pipe open must not hold us past the end.
      child.once("exit", (exitCode, signal) => {
        setImmediate(() => resolve({ exitCode, signal }));
      });
    });
    if (options.signal?.aborted === true) {
      throw new InterruptedError("INTERRUPTED", `Stopped "${program}"`, { cause: options.signal.reason });
    }
    return { ...end, timedOut, ...output };
  } finally {
    clearTimeout(deadline);
    clearTimeout(hardStop);
    if (timedOut || options.signal?.aborted === true) stopGroup(child.pid, "SIGKILL");
    options.signal?.removeEventListener("abort", stop);
    child.stdout?.destroy();
    child.stderr?.destroy();
  }
}

/** Behind a gate until it is written down; one that ends before anybody listens is told by its exit code all the same. */
async function startEnlisted(argv: readonly string[], options: Omit<GatedChildOptions, "group">): Promise<ChildProcess> {
  const child = await spawnGated(argv, { ...options, group: true });
  await enlisted(child, argv[0] ?? "", options);
  child.open();
  return child.process;
}

/** Signals a whole process group; one that is gone already is no error. */
export function stopGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // ESRCH: the group has ended
  }
}
