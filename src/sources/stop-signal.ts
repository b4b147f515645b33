import { setTimeout as wait } from "node:timers/promises";
import { InterruptedError, aTurn } from "../kernel/index.ts";

export function throwIfStopped(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) {
    throw new InterruptedError("INTERRUPTED", "Reading was stopped", { cause: signal.reason });
  }
}

/** Lets timers and signals of this process run between long synchronous stretches. */
export async function breathe(signal: AbortSignal | undefined): Promise<void> {
  await aTurn();
  throwIfStopped(signal);
}

/** Waits, and ends at once when the signal says so. */
export async function pause(millis: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await wait(millis, undefined, signal === undefined ? {} : { signal });
  } catch (cause) {
    throwIfStopped(signal);
    throw cause;
  }
}
