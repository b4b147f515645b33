import { spawn } from "node:child_process";
import { setPriority } from "node:os";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { EngineRun } from "../operations/index.ts";
import { errorFromJson, HostError, InterruptedError, type HoldfastError } from "../kernel/index.ts";
import { contained } from "./contained.ts";

/** The launcher lies two folders above this module, in the sources and in the built package alike. */
const LAUNCHER = fileURLToPath(new URL("../../bin/holdfast.js", import.meta.url));
/** Heavy work must not take the processor from the program that it protects. */
const BACKGROUND = 19;

/** This program's own command, as a program and its arguments. */
export function engineCommand(args: readonly string[]): readonly string[] {
  return [process.execPath, "--disable-warning=ExperimentalWarning", LAUNCHER, ...args];
}

/**
 * Runs one command of our own in a process of its own and gives its JSON document. The host's process never opens a file
 * of a component: closing any descriptor of a database drops every POSIX lock that the process holds on it.
 */
export async function runEngine(run: EngineRun, env: NodeJS.ProcessEnv): Promise<Readonly<Record<string, unknown>>> {
  run.signal?.throwIfAborted();
  const [program = process.execPath, ...args] = engineCommand([...run.args, "--json", "--progress"]);
  const child = spawn(program, args, {
    env: run.lease === undefined ? env : { ...env, ...run.lease.environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr = (stderr + text).slice(-4096)));
  if (!run.urgent && child.pid !== undefined) {
    try {
      setPriority(child.pid, BACKGROUND);
    } catch {
      // It has ended already, and says why itself
    }
  }
  const tell = contained(run.onEvent);
  const stop = (): void => void child.kill("SIGTERM");
  run.signal?.addEventListener("abort", stop, { once: true });
  try {
    let document: Record<string, unknown> | undefined;
    const ended = new Promise<Ending>((resolve, reject) => child.once("error", reject).once("close", (code, by) => resolve({ code, by })));
    ended.catch(() => {});
    for await (const line of createInterface({ input: child.stdout })) {
      const value = parsed(line);
      if (value === undefined) continue;
      if (typeof value["event"] === "string") tell(value);
      else document = value;
    }
    const ending = await ended;
    // A result that came before the stop did is a result: the backup is listed.
    if (run.signal?.aborted === true && (document === undefined || document["error"] !== undefined)) {
      throw new InterruptedError("INTERRUPTED", "The work was stopped", { cause: run.signal.reason });
    }
    if (document === undefined) throw withoutResult(ending, stderr);
    if (document["error"] !== undefined) throw errorFromJson(document["error"]);
    return document;
  } finally {
    run.signal?.removeEventListener("abort", stop);
    // Whatever went wrong here, no engine goes on without anybody to hear of its result.
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGTERM");
  }
}

interface Ending {
  readonly code: number | null;
  readonly by: NodeJS.Signals | null;
}

/** undefined: cut off by a kill, and what is missing is told by how it ended. */
function parsed(line: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

function withoutResult({ code, by }: Ending, stderr: string): HoldfastError {
  if (by === null)
    return new HostError("ENGINE_KILLED", `The process that did the work ended with exit code ${code} and no result: ${stderr.trim()}`, {
      hint: "Nothing half-made is listed; what it said is in this message",
    });
  return new HostError("ENGINE_KILLED", `The process that did the work was ended by ${by}`, {
    hint: "Nothing half-made is listed; look for who sent the signal, such as a limit of memory, and start the work again",
  });
}
