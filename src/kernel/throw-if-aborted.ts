import { HoldfastError, InterruptedError } from "./errors.ts";

/** @throws the signal's own reason when it has a code (a deadline), else InterruptedError */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted !== true) return;
  if (signal.reason instanceof HoldfastError) throw signal.reason;
  throw new InterruptedError("INTERRUPTED", "The work was stopped", { cause: signal.reason });
}
