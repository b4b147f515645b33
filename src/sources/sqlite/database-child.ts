import { CaptureError, entryPath } from "../../kernel/index.ts";
import { throwIfStopped } from "../stop-signal.ts";
import type { Span } from "../../vault/index.ts";
import type { CopyAnswer, CopyRequest, SpanLine, WriteAnswer, WriteRequest } from "./copy-protocol.ts";
import { startLineChild, type LineChild } from "./line-child.ts";

/** Opens databases in a process of its own, one after the other; the process starts with the first one. */
export interface DatabaseChild {
  /** Starts the process, for a copy that is asked for soon. */
  start(): void;
  /**
   * @param deadline milliseconds after which the process is killed
   * @throws CaptureError DATABASE_LOCKED at the deadline
   */
  copy(request: CopyRequest, deadline: number, signal: AbortSignal | undefined): Promise<CopyAnswer>;
  /**
   * Writes spans of a database one behind the other into a file where nothing is yet, and is undisturbed by what the engine does meanwhile.
   *
   * @param deadline milliseconds after which the process is killed
   * @returns bytes that were written; undefined when that failed, or took too long
   */
  write(spans: readonly Span[], target: string, deadline: number, signal: AbortSignal | undefined): Promise<number | undefined>;
  /** Ends the process, whatever it does. */
  close(): Promise<void>;
}

/** How the process ended that gave no answer. */
interface Unanswered {
  readonly late: boolean;
  readonly ended: Promise<string>;
}

export function databaseChild(): DatabaseChild {
  let running: LineChild<CopyRequest | WriteRequest, CopyAnswer | WriteAnswer> | undefined;
  const start = (): typeof running & object => (running ??= startLineChild(entryPath(import.meta.url, "./child")));
  const ask = async <A extends CopyAnswer | WriteAnswer>(
    request: CopyRequest | WriteRequest,
    deadline: number,
    signal: AbortSignal | undefined,
  ): Promise<A | Unanswered> => {
    throwIfStopped(signal);
    const child = start();
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill();
    }, deadline);
    const stop = (): void => child.kill();
    signal?.addEventListener("abort", stop, { once: true });
    try {
      const answer = await child.ask(request);
      if (answer !== undefined) return answer as A;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", stop);
    }
    running = undefined;
    throwIfStopped(signal);
    return { late, ended: child.ended };
  };
  return {
    start,
    async copy(request, deadline, signal) {
      const answer = await ask<CopyAnswer>(request, deadline, signal);
      if ("ok" in answer) return answer;
      if (answer.late) {
        throw new CaptureError("DATABASE_LOCKED", `"${request.path}" was not copied within ${Math.round(deadline / 1000)} s`, {
          hint: "See what holds the database, and how fast its disk is; then try again",
        });
      }
      throw new CaptureError("COMPONENT_UNREADABLE", `The process that read "${request.path}" ended: ${await answer.ended}`, {
        hint: "See the system's log for a crash or for memory that ran out; then try again",
      });
    },
    async write(spans, target, deadline, signal) {
      const answer = await ask<WriteAnswer>({ kind: "write", spans: spans.map(lineOf), target }, deadline, signal);
      return "ok" in answer && answer.ok ? answer.written : undefined;
    },
    async close() {
      const child = running;
      running = undefined;
      child?.kill();
      await child?.ended;
    },
  };
}

function lineOf(span: Span): SpanLine {
  return span.kind === "zeros" ? span : { ...span, device: String(span.device), inode: String(span.inode) };
}
