import { CaptureError, entryPath } from "../../kernel/index.ts";
import { throwIfStopped } from "../stop-signal.ts";
import type { CopyAnswer, CopyRequest } from "./copy-protocol.ts";
import { startLineChild, type LineChild } from "./line-child.ts";

/** Opens databases in a process of its own, one after the other; the process starts with the first one. */
export interface DatabaseChild {
  /**
   * @param deadline milliseconds after which the process is killed
   * @throws CaptureError DATABASE_LOCKED at the deadline
   */
  copy(request: CopyRequest, deadline: number, signal: AbortSignal | undefined): Promise<CopyAnswer>;
  /** Ends the process, whatever it does. */
  close(): Promise<void>;
}

export function databaseChild(): DatabaseChild {
  let running: LineChild<CopyRequest, CopyAnswer> | undefined;
  return {
    async copy(request, deadline, signal) {
      throwIfStopped(signal);
      running ??= startLineChild(entryPath(import.meta.url, "./child"));
      const child = running;
      let late = false;
      const timer = setTimeout(() => {
        late = true;
        child.kill();
      }, deadline);
      const stop = (): void => child.kill();
      signal?.addEventListener("abort", stop, { once: true });
      try {
        const answer = await child.ask(request);
        if (answer !== undefined) return answer;
      } finally {
        clearTimeout(timer);
        signal?.removeEventListener("abort", stop);
      }
      running = undefined;
      throwIfStopped(signal);
      if (late) {
        throw new CaptureError("DATABASE_LOCKED", `"${request.path}" was not copied within ${Math.round(deadline / 1000)} s`, {
          hint: "See what holds the database, and how fast its disk is; then try again",
        });
      }
      throw new CaptureError("COMPONENT_UNREADABLE", `The process that read "${request.path}" ended: ${await child.ended}`, {
        hint: "See the system's log for a crash or for memory that ran out; then try again",
      });
    },
    async close() {
      const child = running;
      running = undefined;
      child?.kill();
      await child?.ended;
    },
  };
}
