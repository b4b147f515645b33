import { readdirSync, statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { CaptureError } from "../kernel/index.ts";
import type { Content, EntryHead, Reading, ReadingEntry } from "../vault/index.ts";
import { watchReading, type Watch } from "./watched-reading.ts";

function reading(
  entries: readonly { head: Partial<EntryHead>; content?: Content }[],
  confirm: () => Promise<void> = async () => {},
): Reading & { closed: boolean } {
  return {
    closed: false,
    async *entries() {
      for (const { head, content } of entries) {
        const entry: ReadingEntry = {
          head: { path: ".", type: "directory", mode: 0o755, uid: 0, gid: 0, mtime_ns: "0", size: 0, ...head },
          content: content ?? { kind: "none" },
        };
        yield entry;
      }
    },
    confirm,
    report: () => ({ source: "tree", resolved_path: "/srv", suspect: false, omissions: [], warnings: [] }),
    async close() {
      this.closed = true;
    },
  };
}

async function drain(source: Reading, watch: Partial<Watch>): Promise<{ count: number; version: number | null }> {
  const watched = watchReading(source, { component: "memory", previousBytes: undefined, schemaQuery: null, ...watch });
  let count = 0;
  for await (const { content } of watched.entries()) {
    count += 1;
    // As whoever stores it does: a stream is read to its end before the reading is confirmed.
    if (content.kind === "stream") await text(content.open());
  }
  await watched.confirm();
  return { count, version: watched.schemaVersion() };
}

const FILE = { head: { path: "a", type: "file", size: 3 } } as const;
const EMPTY_FILE = { head: { path: "a", type: "file", size: 0 } } as const;
const stream = (...pieces: string[]): { head: Partial<EntryHead>; content: Content } => ({
  head: { path: "a", type: "file", size: 0 },
  content: { kind: "stream", open: () => Readable.from(pieces.map((piece) => Buffer.from(piece))) },
});

describe("watchReading()", () => {
  it.each([
    ["nothing at all", []],
    ["its root alone", [{ head: {} }]],
    ["an empty file", [{ head: {} }, EMPTY_FILE]],
    ["a stream that gave nothing", [stream()]],
  ])("refuses to confirm %s where the newest good backup held something (neomjs/neo#16240)", async (_what, entries) => {
    await expect(drain(reading(entries), { previousBytes: 12 })).rejects.toMatchObject({
      code: "COMPONENT_EMPTY",
      message: 'Component "memory" is empty, and held 12 bytes in its newest good backup',
    });
  });

  it.each([
    ["one byte is enough", [{ head: {} }, FILE], 12],
    ["a stream that gave something", [stream("", "x")], 12],
    ["it was empty before", [{ head: {} }], 0],
    ["there is no backup before", [{ head: {} }], undefined],
  ] as const)("confirms: %s", async (_why, entries, previousBytes) => {
    await expect(drain(reading(entries), { previousBytes })).resolves.toMatchObject({ count: entries.length });
  });

  it("does not confirm what the reading itself does not", async () => {
    const moved = reading([FILE], () => Promise.reject(new Error("it moved")));
    await expect(drain(moved, { previousBytes: 12 })).rejects.toThrow("it moved");
  });

  it("closes the reading", async () => {
    const source = reading([]);
    await watchReading(source, { component: "memory", previousBytes: undefined, schemaQuery: null }).close();
    expect(source.closed).toBe(true);
  });
});

describe("WatchedReading.schemaVersion()", () => {
  async function ask(query: string): Promise<{ version: number | null; beside: string[] }> {
    using folder = temporaryFolder();
    // A name that a URL has to escape.
    const path = folder.join("copy #1?100%.db");
    {
      using database = new DatabaseSync(path);
      database.exec(
        "PRAGMA journal_mode=wal; CREATE TABLE migrations (version INTEGER, name TEXT); INSERT INTO migrations VALUES (4, 'four'), (7, 'seven')",
      );
    }
    const stats = statSync(path, { bigint: true });
    const span = { kind: "file", path, device: stats.dev, inode: stats.ino, offset: 0, length: Number(stats.size) } as const;
    const source = reading([
      {
        head: { path: "copy.db", type: "file", size: Number(stats.size), database: true },
        content: { kind: "staged", spans: [span], movable: true },
      },
    ]);
    const { version } = await drain(source, { schemaQuery: query });
    return { version, beside: readdirSync(folder.path) };
  }

  it("is what the query gives, and no sidecar stays beside the copy", async () => {
    expect(await ask("SELECT max(version) FROM migrations")).toEqual({ version: 7, beside: ["copy #1?100%.db"] });
  });

  it.each([
    "SELECT name FROM migrations",
    "SELECT version FROM migrations WHERE version > 99",
    "SELECT nothing FROM nowhere",
    "DELETE FROM migrations RETURNING 1",
  ])("is a failure of the component when %j gives no number", async (query) => {
    await expect(ask(query)).rejects.toMatchObject({ code: "COMMAND_FAILED", hint: "schema_version.query must give one number" });
  });

  it("is asked of the reading itself where no file of its own holds the database", async () => {
    const entry = { head: { ...FILE.head, database: true }, content: { kind: "staged", spans: [], movable: false } } as const;
    const asked = (query: (sql: string) => Promise<unknown>): Promise<{ version: number | null }> =>
      drain({ ...reading([entry]), query }, { schemaQuery: "SELECT 7" });
    expect(await asked(async (sql) => (sql === "SELECT 7" ? 7 : 0))).toMatchObject({ version: 7 });
    await expect(asked(async () => "seven")).rejects.toMatchObject({ code: "COMMAND_FAILED" });
    // It will be read again.
    const moved = new CaptureError("COMPONENT_MOVED", "It did not hold still");
    await expect(asked(() => Promise.reject(moved))).rejects.toBe(moved);
  });

  it("is null when there is nothing to ask", async () => {
    expect(await drain(reading([FILE]), { schemaQuery: null })).toMatchObject({ version: null });
  });
});
