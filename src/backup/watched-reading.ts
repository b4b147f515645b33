import { DatabaseSync } from "node:sqlite";
import { Readable } from "node:stream";
import { pathToFileURL } from "node:url";
import { CaptureError } from "../kernel/index.ts";
import { entriesOf, type Reading, type ReadingEntry, type UntouchedEntries } from "../vault/index.ts";

export interface Watch {
  readonly component: string;
  /** Bytes that the newest good backup carried; undefined when there is none. */
  readonly previousBytes: number | undefined;
  /** SQL with one number as its result, to run on the private copy of the component's database. */
  readonly schemaQuery: string | null;
  /** Keeps what is there: neither an emptied component nor a schema that cannot be asked ends it, and both are told. */
  readonly salvage?: boolean;
}

export interface WatchedReading extends Reading {
  /** Result of the schema query; null when there was none to run. */
  schemaVersion(): number | null;
  /** Why a salvage must not take this for a good copy. */
  trouble(): string | undefined;
}

/**
 * A reading that refuses to be confirmed when the component held something in the newest good backup and holds
 * nothing now: an emptied state that replaces the last good one is how a loss becomes permanent
 * (neomjs/neo#16240: a backup of zero rows became "last good").
 */
export function watchReading(reading: Reading, watch: Watch): WatchedReading {
  // What has not been touched is as full as it was.
  let sawContent = reading.untouched === true;
  let version: number | null = null;
  let trouble: string | undefined;
  const unasked: string[] = [];
  const ask = async (query: () => unknown): Promise<number | null> => {
    try {
      return await schemaNumber(query, watch.component);
    } catch (error) {
      if (watch.salvage !== true || !(error instanceof CaptureError)) throw error;
      unasked.push(error.message);
      return null;
    }
  };
  // How much a stream holds is known only as it goes by: a command that succeeds may have written nothing.
  async function* seen(stream: NodeJS.ReadableStream): AsyncGenerator<Buffer> {
    for await (const chunk of stream as unknown as AsyncIterable<Buffer>) {
      if (chunk.length > 0) sawContent = true;
      yield chunk;
    }
  }
  async function* batches(): AsyncGenerator<ReadingEntry | UntouchedEntries> {
    for await (const entry of reading.batches?.() ?? reading.entries()) {
      if ("entries" in entry) {
        sawContent ||= entry.entries.some(({ size }) => size > 0);
        yield entry;
        continue;
      }
      if (entry.content.kind !== "stream" && entry.head.size > 0) sawContent = true;
      const span = entry.content.kind === "staged" ? entry.content.spans[0] : undefined;
      const { schemaQuery: sql } = watch;
      if (sql !== null && entry.head.database === true) {
        if (reading.query !== undefined) version = await ask(() => reading.query?.(sql));
        else if (span?.kind === "file") version = await ask(() => valueIn(span.path, sql));
      }
      const { content } = entry;
      yield content.kind === "stream" ? { ...entry, content: { kind: "stream", open: () => Readable.from(seen(content.open())) } } : entry;
    }
  }
  return {
    ...(reading.untouched === undefined ? {} : { untouched: reading.untouched }),
    memory: () => reading.memory?.(),
    lost: () => reading.lost?.(),
    entries: () => entriesOf(batches()),
    batches,
    async confirm() {
      await reading.confirm();
      if (sawContent || watch.previousBytes === undefined || watch.previousBytes === 0) return;
      const message = `Component "${watch.component}" is empty, and held ${watch.previousBytes} bytes in its newest good backup`;
      if (watch.salvage === true) trouble = message;
      else
        throw new CaptureError("COMPONENT_EMPTY", message, {
          hint: "Look at the component before anything else; the newest good backup is untouched",
        });
    },
    report() {
      const report = reading.report();
      return unasked.length === 0 ? report : { ...report, warnings: [...report.warnings, ...unasked] };
    },
    close: () => reading.close(),
    schemaVersion: () => version,
    trouble: () => trouble,
  };
}

function valueIn(copy: string, query: string): unknown {
  // immutable=1: the copy is private, and no sidecar may stay beside it.
  using database = new DatabaseSync(`${pathToFileURL(copy).href}?immutable=1`, { readOnly: true });
  return Object.values(database.prepare(query).get() ?? {})[0];
}

async function schemaNumber(query: () => unknown, component: string): Promise<number> {
  try {
    const value = await query();
    if (typeof value !== "number") throw new TypeError(`the result is ${JSON.stringify(value)}`);
    return value;
  } catch (cause) {
    // A database that did not hold still is read again.
    if (cause instanceof CaptureError) throw cause;
    throw new CaptureError(
      "COMMAND_FAILED",
      `Cannot read the schema version of "${component}": ${cause instanceof Error ? cause.message : String(cause)}`,
      {
        cause,
        hint: "schema_version.query must give one number",
      },
    );
  }
}
