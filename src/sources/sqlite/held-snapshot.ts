import { entryPath } from "../../kernel/index.ts";
import { throwIfStopped } from "../stop-signal.ts";
import { startLineChild, type LineChild } from "./line-child.ts";
import type { PinAnswer, PinAnswers, PinRequest } from "./pin-protocol.ts";

/** A process that holds a snapshot of a database, for as long as it lives. */
export interface HeldSnapshot {
  /** One after the other; undefined when the process has ended, and the snapshot with it. */
  ask<K extends PinRequest["kind"]>(request: Extract<PinRequest, { kind: K }>): Promise<PinAnswers[K] | undefined>;
  /** Lets go of the snapshot. */
  end(): Promise<void>;
}

export function holdSnapshot(signal: AbortSignal | undefined): HeldSnapshot {
  throwIfStopped(signal);
  const child: LineChild<PinRequest, PinAnswer> = startLineChild(entryPath(import.meta.url, "./pin-child"));
  const stop = (): void => child.kill();
  signal?.addEventListener("abort", stop, { once: true });
  let last: Promise<unknown> = Promise.resolve();
  return {
    ask<K extends PinRequest["kind"]>(request: Extract<PinRequest, { kind: K }>) {
      const answer = last.then(() => child.ask(request)) as Promise<PinAnswers[K] | undefined>;
      last = answer;
      return answer;
    },
    async end() {
      signal?.removeEventListener("abort", stop);
      child.kill();
      await child.ended;
    },
  };
}
