import { setTimeout as sleep } from "node:timers/promises";
import { HoldfastError, InterruptedError } from "../../kernel/index.ts";

/**
 * Waits, or stops waiting.
 *
 * @throws the signal's own reason when it has a code (a deadline), else InterruptedError
 */
export async function pause(millis: number, signal: AbortSignal | undefined): Promise<void> {
  throwIfStopped(signal);
  try {
    await sleep(millis, undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    throwIfStopped(signal);
    throw error;
  }
}

export function throwIfStopped(signal: AbortSignal | undefined): void {
  if (signal?.aborted !== true) return;
  if (signal.reason instanceof HoldfastError) throw signal.reason;
  throw new InterruptedError("INTERRUPTED", "The wait for the lease was stopped", { cause: signal.reason });
}
