import { HostError, messageOf, redact, runCommand, type HoldfastError, type ProgramPlace, type RunResult } from "../../kernel/index.ts";
import type { HealthCheck } from "./health.ts";

/** How a restore handles the user's program. */
export interface Runtime {
  readonly stop: readonly string[];
  readonly start: readonly string[];
  /** Of each of them. Milliseconds. */
  readonly timeout: number;
  readonly health: HealthCheck | null;
}

export interface RuntimeContext extends ProgramPlace {
  readonly signal?: AbortSignal;
}

/** @throws HostError RUNTIME_STOP_FAILED · InterruptedError */
export async function stopRuntime(runtime: Runtime, context: RuntimeContext): Promise<void> {
  const failure = await attempt(runtime.stop, runtime.timeout, context);
  if (failure !== null)
    throw new HostError("RUNTIME_STOP_FAILED", `The runtime could not be stopped: ${failure}`, {
      hint: "Nothing was replaced; see why it does not stop",
    });
}

/**
 * Returns when the start command has ended; what it leaves behind runs on. Whether that works is for its health to say.
 *
 * @throws HostError RUNTIME_START_FAILED · InterruptedError
 */
export async function startRuntime(runtime: Runtime, context: RuntimeContext): Promise<void> {
  const failure = await attempt(runtime.start, runtime.timeout, context);
  if (failure !== null) throw new HostError("RUNTIME_START_FAILED", `The runtime could not be started: ${failure}`);
}

async function attempt(argv: readonly string[], timeout: number, { signal, ...place }: RuntimeContext): Promise<string | null> {
  let result: RunResult;
  try {
    result = await runCommand(argv, { ...place, timeout, ...(signal === undefined ? {} : { signal }) });
  } catch (error) {
    if (isInterruption(error)) throw error;
    return `"${argv[0]}" cannot be run: ${messageOf(error)}`;
  }
  return failureOf(argv, timeout, result);
}

function isInterruption(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error as HoldfastError).code === "INTERRUPTED";
}

/** What a command that did not succeed says for itself, or null. */
export function failureOf(
  argv: readonly string[],
  timeout: number,
  { exitCode, signal, timedOut, stdout, stderr }: RunResult,
): string | null {
  if (exitCode === 0 && !timedOut) return null;
  const how = timedOut
    ? `did not end within ${timeout / 1000} s`
    : signal === null
      ? `ended with exit code ${exitCode}`
      : `was ended by ${signal}`;
  const lines = (stderr.trim() || stdout.trim()).split("\n").slice(-3).join(" / ");
  return redact(`"${argv[0]}" ${how}${lines === "" ? "" : `: ${lines}`}`);
}
