import { InternalError, namedSystemError } from "../kernel/index.ts";
import { entriesOf, type Reading, type ReadingEntry, type ReadingReport, type UntouchedEntries } from "../vault/index.ts";
import { throwIfStopped } from "./stop-signal.ts";

export interface ReadingParts {
  entries(): AsyncGenerator<ReadingEntry | UntouchedEntries> | Generator<ReadingEntry>;
  /** Bound to nothing. */
  readonly query?: (sql: string) => Promise<unknown>;
  lost?(): Error | undefined;
  /** Runs once the entries have ended; throws when what was read cannot be used. */
  confirm?(): Promise<void> | void;
  report(): ReadingReport;
  memory?(): Uint8Array | undefined;
  readonly untouched?: boolean;
  /** Runs once. */
  close(): Promise<void> | void;
  readonly signal: AbortSignal | undefined;
}

/** Keeps the order that every Reading promises: entries once, confirm after their end, close whatever happened. */
export function readingOf(parts: ReadingParts): Reading {
  // What has not been touched is not read.
  let state: "new" | "begun" | "ended" | "closed" = parts.untouched === true ? "ended" : "new";
  let closing: Promise<void> | undefined;
  async function* batches(): AsyncGenerator<ReadingEntry | UntouchedEntries> {
    if (state !== "new") throw new InternalError(`The entries of a reading are given once, and it is ${state}`);
    state = "begun";
    throwIfStopped(parts.signal);
    try {
      for await (const entry of parts.entries()) {
        throwIfStopped(parts.signal);
        if ((state as string) === "closed") throw new InternalError("The reading was closed while it was read");
        yield entry;
      }
    } catch (error) {
      throw namedSystemError(error, "read the component");
    }
    state = "ended";
  }
  return {
    ...(parts.untouched === undefined ? {} : { untouched: parts.untouched }),
    ...(parts.query === undefined ? {} : { query: parts.query }),
    ...(parts.memory === undefined ? {} : { memory: () => parts.memory?.() }),
    lost: () => parts.lost?.(),
    entries: () => entriesOf(batches()),
    batches,
    async confirm() {
      throwIfStopped(parts.signal);
      if (state !== "ended") throw new InternalError(`A reading is confirmed after its entries have ended, and it is ${state}`);
      await parts.confirm?.();
    },
    report: () => parts.report(),
    close() {
      state = "closed";
      closing ??= (async () => parts.close())();
      return closing;
    },
  };
}
