import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import type { Writable } from "node:stream";
import { HostError, namedSystemError } from "./errors.ts";
import { identityOfProcess, type ProcessIdentity } from "./process-identity.ts";
import { withholding, type ProgramPlace, type Stdio } from "./program-place.ts";

export interface GatedChildOptions extends Partial<ProgramPlace> {
  readonly env: NodeJS.ProcessEnv;
  /** Descriptors 0, 1 and 2. */
  readonly stdio: readonly [Stdio, Exclude<Stdio, "ignore">, Exclude<Stdio, "ignore">];
  /** A descriptor of this process that the child, and what it starts, gets under a number of its own. */
  readonly pass?: { readonly descriptor: number; readonly as: number };
  /** In a process group of its own, so that a signal reaches what it starts as well. */
  readonly group: boolean;
}

export interface GatedChild {
  readonly identity: ProcessIdentity;
  readonly process: ChildProcess;
  /** Lets the program start; nothing of it has run before. */
  open(): void;
  /** How it ended. 127 when there is no such program, 126 when it cannot be run, as shells have it. */
  readonly ended: Promise<{ readonly exitCode: number | null; readonly signal: NodeJS.Signals | null }>;
}

/** A shell takes numbers of one digit only; it is closed before the program starts. */
const GATE = 3;
/**
 * Waits for one line on the gate, then becomes the program; when the gate closes without one, whoever held it is gone and
 * nothing has been written down about this process, so that it ends without having done anything.
 */
const WAIT = `read -r _ <&${GATE} || exit 125; exec ${GATE}<&-; exec "$@"`;

/** Writes a gated program down where somebody wants that; one that could not be written down is ended, and has done nothing. */
export async function enlisted(child: GatedChild, program: string, { enlist }: Pick<ProgramPlace, "enlist">): Promise<void> {
  try {
    await enlist?.(child.identity.pid, program);
  } catch (error) {
    child.process.kill("SIGKILL");
    throw error;
  }
}

/**
 * Starts a program behind a gate: its process exists, with a number and a start time that can be written down, and runs
 * nothing until the gate is opened.
 */
export async function spawnGated(argv: readonly string[], options: GatedChildOptions): Promise<GatedChild> {
  const { pass } = options;
  const stdio: Stdio[] = [...options.stdio];
  stdio[GATE] = "pipe";
  if (pass !== undefined) {
    while (stdio.length < pass.as) stdio.push("ignore");
    stdio[pass.as] = pass.descriptor;
  }
  const { cwd, env, group, withhold } = options;
  const child = withholding(withhold, stdio, (all) =>
    spawn("/bin/sh", ["-c", WAIT, "sh", ...argv], { cwd, env, stdio: all, detached: group }),
  );
  const ended = new Promise<{ exitCode: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once("exit", (exitCode, signal) => resolve({ exitCode, signal }));
  });
  try {
    await once(child, "spawn");
  } catch (error) {
    throw namedSystemError(error, `start "${argv[0]}"`);
  }
  const { pid } = child;
  if (pid === undefined) throw new HostError("FILE_SYSTEM", `Cannot start "${argv[0]}"`);
  const gate = child.stdio[GATE] as Writable;
  // A child that was killed before its gate opened says so by its end.
  gate.on("error", () => {});
  return { identity: identityOfProcess(pid), process: child, open: () => void gate.end("go\n"), ended };
}
