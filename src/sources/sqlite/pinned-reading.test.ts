import { chmodSync, chownSync, linkSync, readdirSync, readFileSync, statSync, utimesSync } from "node:fs";
import { basename, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { KeptRecords } from "../../../test/support/kept-records.ts";
import { databaseProgram } from "../../../test/support/database-program.ts";
import { liveDatabase, writeOver } from "../../../test/support/live-database.ts";
import { copyOf, pinnedContent } from "../../../test/support/pinned-content.ts";
import { lineProgram } from "../../../test/support/line-program.ts";
import { noCounts, PinnedStage } from "../../../test/support/pinned-stage.ts";
import { ask, makeDatabase, NOW } from "../../../test/support/source-database.ts";
import { readBack, testPlace, type TestPlace } from "../../../test/support/source-place.ts";
import { checkVisited } from "../../../test/support/visited-state.ts";
import { isSameLook, type DatabaseLook } from "../../vault/index.ts";
import { openReading } from "../open-reading.ts";
import type { ReadingRequest } from "../reading-request.ts";
import { PIN_BOUNDS } from "./pin-bounds.ts";
import { pinDatabase } from "./pin-database.ts";
import { snapshotSpans } from "./snapshot-spans.ts";
import { scanWal } from "./scan-wal.ts";

const ROWS = "SELECT count(*) FROM t";

describe("openReading() of a database with read: pinned", () => {
  it("reads it in place, and describes its snapshot", async () => {
    await using db = await liveDatabase();
    const reading = await db.open();
    const content = await pinnedContent(reading);
    expect(content.movable).toBe(false);
    expect(new Set(content.spans.map((span) => (span.kind === "file" ? span.path : "")))).toEqual(new Set([db.path, `${db.path}-wal`]));
    expect(readdirSync(db.place.staging)).toEqual([]);
    await db.program.run("INSERT INTO t (x) VALUES ('later')");
    await db.program.run("PRAGMA wal_checkpoint(PASSIVE)");
    await db.program.run("PRAGMA user_version=99");
    expect(ask(copyOf(content.spans, db.copy), ROWS)).toBe(101);
    expect(await reading.query?.(ROWS)).toBe(101);
    await reading.confirm();
    expect(reading.report()).toMatchObject({
      source: "sqlite",
      suspect: false,
      warnings: [],
      sqlite: {
        page_size: 4096,
        pages: readFileSync(db.copy).length / 4096,
        user_version: 3,
        application_id: 7,
        journal_mode: "wal",
        quick_check: "ok",
        quick_checked_at: "2026-03-15T14:30:00.000Z",
        read: "pinned",
      },
    });
    await reading.close();
    const staged = await openReading(db.place.request({ path: db.path, now: NOW }));
    expect(staged.report().sqlite?.schema_sha256).toBe(reading.report().sqlite?.schema_sha256);
    await staged.close();
  });

  it("tells the same look as a staged one, so that an unchanged database is not opened again", async () => {
    await using db = await liveDatabase();
    // In an owner's name: SQLite as root gives the log a new time whenever it opens it.
    chmodSync(db.place.folder, 0o755);
    for (const name of ["", ...readdirSync(db.place.state)]) chownSync(join(db.place.state, name), 1234, 1234);
    const pinned = await db.open();
    const look = (await pinnedContent(pinned)).look;
    await pinned.close();
    const staged = await db.open({ read: "staged" });
    expect(look).toEqual((await pinnedContent(staged)).look);
    await staged.close();
    expect(look?.log?.size).toBe(statSync(`${db.path}-wal`).size);
    const sqlite = pinned.report().sqlite;
    if (sqlite === undefined || look === undefined) throw new Error("No details");
    const isDatabaseSame = (_: string, { file, log }: DatabaseLook): boolean =>
      isSameLook(file, look.file) && log !== null && look.log !== null && isSameLook(log, look.log);
    const known = {
      manifestSha256: "0",
      memory: undefined,
      newRecords: () => new KeptRecords(),
      whole: false,
      isDatabaseSame,
      hasDatabase: isDatabaseSame,
    };
    const contentOf = async (): Promise<string | undefined> => {
      const { entries } = await readBack(
        db.place.request({ path: db.path, read: "pinned", known, quickCheckBefore: new Map([["live.db", sqlite]]) }),
      );
      return entries[0]?.content.kind;
    };
    expect(await contentOf()).toBe("known");
    await db.program.run("INSERT INTO t (x) VALUES ('later')");
    expect(await contentOf()).toBe("staged");
  });

  it("takes the file alone when the whole log is in it, because that log may be begun anew", async () => {
    await using db = await liveDatabase();
    await db.program.run("PRAGMA wal_checkpoint(FULL)");
    const reading = await db.open();
    const content = await pinnedContent(reading);
    expect(content.spans).toMatchObject([{ kind: "file", path: db.path, offset: 0, length: statSync(db.path).size }]);
    const [header] = [readFileSync(`${db.path}-wal`).subarray(0, 32)];
    await db.program.run("UPDATE t SET x = 'overwritten'");
    expect(readFileSync(`${db.path}-wal`).subarray(0, 32).equals(header)).toBe(false);
    await db.program.run("PRAGMA wal_checkpoint(PASSIVE)");
    copyOf(content.spans, db.copy);
    await reading.confirm();
    await reading.close();
    expect(ask(db.copy, "SELECT count(*) FROM t WHERE x = 'overwritten'")).toBe(0);
    expect(ask(db.copy, ROWS)).toBe(101);
    expect(ask(db.copy, "PRAGMA integrity_check")).toBe("ok");
  });

  it.each(["had its log emptied", "was just opened, with a log that holds nothing"])("reads in place one that %s", async (which) => {
    await using db = await liveDatabase();
    await db.program.run("PRAGMA wal_checkpoint(TRUNCATE)");
    if (which.startsWith("was")) await db.program.kill();
    await using runtime = which.startsWith("was") ? databaseProgram(db.path) : db.program;
    await runtime.run(ROWS);
    expect(statSync(`${db.path}-wal`).size).toBe(0);
    const reading = await db.open();
    const content = await pinnedContent(reading);
    expect(content.spans).toMatchObject([{ kind: "file", path: db.path, offset: 0, length: statSync(db.path).size }]);
    await runtime.run("UPDATE t SET x = 'overwritten'");
    await runtime.run("PRAGMA wal_checkpoint(PASSIVE)");
    copyOf(content.spans, db.copy);
    await reading.confirm();
    expect(reading.report().sqlite).toMatchObject({ read: "pinned", page_size: 4096, pages: statSync(db.copy).size / 4096 });
    await reading.close();
    expect(ask(db.copy, "SELECT count(*) FROM t WHERE x = 'overwritten'")).toBe(0);
    expect(ask(db.copy, ROWS)).toBe(101);
    expect(ask(db.copy, "PRAGMA integrity_check")).toBe("ok");
  });

  it("would give a mixture if it took such a log's frames all the same", async () => {
    await using db = await liveDatabase();
    await db.program.run("UPDATE t SET x = x || 'longer' WHERE id % 2 = 0");
    await db.program.run("PRAGMA wal_checkpoint(FULL)");
    const pinned = await pinDatabase({ path: db.path, busyTimeout: 1000, modes: ["wal"], bounds: PIN_BOUNDS, signal: undefined });
    const scanned = await scanWal(`${db.path}-wal`, Infinity, undefined);
    if (pinned === undefined || scanned === undefined) throw new Error("Not pinned");
    const stats = statSync(db.path, { bigint: true });
    const spans = snapshotSpans({
      pageSize: 4096,
      pages: scanned.pages,
      file: { path: db.path, identity: { device: stats.dev, inode: stats.ino }, size: Number(stats.size) },
      log: { path: `${db.path}-wal`, identity: scanned.identity, pageOf: scanned.pageOf },
    });
    expect(ask(copyOf(spans, db.copy), "PRAGMA integrity_check")).toBe("ok");
    await db.program.run("UPDATE t SET x = 'overwritten' || x WHERE id > 50");
    expect(String(ask(copyOf(spans, db.copy), "PRAGMA integrity_check"))).not.toBe("ok");
    expect(ask(copyOf(pinned.spans, db.copy), "PRAGMA integrity_check")).toBe("ok");
    pinned.watch[Symbol.dispose]();
    await pinned.snapshot.end();
  });

  it.each([
    { pageSize: 512, autoVacuum: "FULL", checkpoints: true },
    { pageSize: 4096, autoVacuum: "NONE", checkpoints: true },
    { pageSize: 65_536, autoVacuum: "INCREMENTAL", checkpoints: false },
  ] as const)("gives whole committed states while $pageSize-byte pages are written and checkpointed", async (options) => {
    const counts = noCounts();
    await using stage = await PinnedStage.begin({ ...options, seed: 1, autoCheckpoint: 50, blobBytes: 50_000, writers: 2 }, counts);
    for (let n = 0; n < 4; n += 1) await stage.snapshot(true);
    expect(counts).toMatchObject({ snapshots: 4, staged: 0 });
  });

  it.each([
    ["its time", { ...PIN_BOUNDS, duration: 1 }],
    ["the growth of its log", { ...PIN_BOUNDS, growth: 20_000 }],
  ])("lets go of the snapshot at the end of %s", async (_, pinBounds) => {
    await using db = await liveDatabase();
    const reading = await db.open({ pinBounds });
    await pinnedContent(reading);
    for (let held = true; held;) {
      await db.program.run("UPDATE t SET x = x || 'more'");
      held = (await reading.query?.(ROWS).catch(() => undefined)) !== undefined;
    }
    expect(reading.lost?.()).toMatchObject({ code: "COMPONENT_MOVED", details: { pin: "expired" } });
    await expect(reading.confirm()).rejects.toMatchObject({ code: "COMPONENT_MOVED", details: { pin: "expired" } });
    await reading.close();
    await db.program.run("PRAGMA wal_checkpoint(TRUNCATE)");
    expect(statSync(`${db.path}-wal`).size).toBe(0);
  });

  it("stages what cannot be pinned: another journal mode, a paused one, one that is too large, one of two names, one in a tree", async () => {
    await using db = await liveDatabase();
    const how = async (request: Partial<ReadingRequest>): Promise<unknown> => {
      const { report } = await readBack(db.place.request({ path: db.path, read: "pinned", now: NOW, ...request }));
      return report.sqlite?.read ?? Object.values(report.databases ?? {})[0]?.read;
    };
    expect(await how({})).toBe("pinned");
    expect(await how({ cut: true })).toBe("staged");
    expect(await how({ pinBounds: { ...PIN_BOUNDS, largestNew: 4096 } })).toBe("staged");
    const { report } = await readBack(db.place.request({ path: db.path, read: "pinned", now: NOW }));
    const quickCheckBefore = new Map(report.sqlite === undefined ? [] : [[basename(db.path), report.sqlite]]);
    expect(await how({ quickCheckBefore, pinBounds: { ...PIN_BOUNDS, largestNew: 4096 } })).toBe("pinned");
    expect(await how({ quickCheckBefore, pinBounds: { ...PIN_BOUNDS, largest: 4096 } })).toBe("staged");
    expect(await how({ path: db.place.state })).toBe("staged");
    linkSync(db.path, join(db.place.folder, "second.db"));
    expect(await how({})).toBe("staged");
    const rollback = join(db.place.folder, "rollback.db");
    makeDatabase(rollback, "delete");
    expect(await how({ path: rollback })).toBe("staged");
  });

  it("checks a damaged database inside its snapshot, and calls it suspect", async () => {
    await using db = await liveDatabase();
    await db.program.run("INSERT INTO t (x) SELECT x FROM t");
    await db.program.run("PRAGMA wal_checkpoint(TRUNCATE)");
    writeOver(db.path, 4096 * 3, "\0".repeat(200));
    const reading = await db.open();
    await pinnedContent(reading);
    await reading.confirm();
    expect(reading.report()).toMatchObject({ suspect: true, sqlite: { read: "pinned" } });
    expect(reading.report().sqlite?.quick_check).not.toMatch(/^(ok|skipped)$/);
    await reading.close();
  });

  it("does not check again on the same day", async () => {
    await using db = await liveDatabase();
    const first = await readBack(db.place.request({ path: db.path, read: "pinned", now: NOW }));
    const known = first.report.sqlite;
    if (known === undefined) throw new Error("No details");
    const second = await readBack(
      db.place.request({ path: db.path, read: "pinned", now: NOW + 1000, quickCheckBefore: new Map([["live.db", known]]) }),
    );
    expect(second.report.sqlite).toMatchObject({ read: "pinned", quick_check: "skipped", quick_checked_at: known.quick_checked_at });
  });

  it("leaves -wal and -shm to the account they belong to", async () => {
    await using db = await liveDatabase();
    for (const name of ["", ...readdirSync(db.place.state)]) chownSync(join(db.place.state, name), 1234, 1234);
    // Below a folder that is closed to that account.
    expect((await readBack(db.place.request({ path: db.path, read: "pinned", now: NOW }))).report.sqlite?.read).toBe("pinned");
    expect(readdirSync(db.place.state).map((name) => [name, statSync(join(db.place.state, name)).uid])).toEqual([
      ["live.db", 1234],
      ["live.db-shm", 1234],
      ["live.db-wal", 1234],
    ]);
  });

  it("reads what a killed writer has left", async () => {
    await using db = await liveDatabase();
    await db.program.kill();
    const reading = await db.open();
    expect(ask(copyOf((await pinnedContent(reading)).spans, db.copy), ROWS)).toBe(101);
    await reading.confirm();
    expect(reading.report().sqlite?.read).toBe("pinned");
    await reading.close();
  });
});

describe("openReading() of a cold database with read: pinned", () => {
  /** Nobody has it open. */
  function coldDatabase(place: TestPlace): { readonly path: string; readonly copy: string } {
    const path = join(place.state, "cold.db");
    makeDatabase(path, "wal");
    return { path, copy: join(place.folder, "copy.db") };
  }

  it("reads it in place, however large it is, and leaves nothing beside it", async () => {
    using place = testPlace();
    const { path, copy } = coldDatabase(place);
    const pinBounds = { duration: 1, growth: 0, largest: 1, largestNew: 1 };
    const reading = await openReading(place.request({ path, read: "pinned", now: NOW, pinBounds }));
    const content = await pinnedContent(reading);
    expect(content.spans).toMatchObject([{ kind: "file", path, offset: 0, length: statSync(path).size }]);
    expect(await reading.query?.(ROWS)).toBe(100);
    await reading.confirm();
    expect(reading.report()).toMatchObject({
      suspect: false,
      warnings: [],
      sqlite: { read: "cold", journal_mode: "wal", quick_check: "ok", user_version: 3, pages: statSync(path).size / 4096 },
    });
    await reading.close();
    expect(readdirSync(place.state)).toEqual(["cold.db"]);
    expect(readdirSync(place.staging)).toEqual([]);
    expect(ask(copyOf(content.spans, copy), ROWS)).toBe(100);
  });

  it.each([
    ["is open", "SELECT count(*) FROM t", false, false],
    ["was written to, and closed again", "UPDATE t SET x = 'other'", true, false],
    ["was written to, closed again, and has the time of before", "UPDATE t SET x = 'other'", true, true],
  ])("refuses what was read of it when it %s", async (_, sql, closes, putBack) => {
    using place = testPlace();
    const { path } = coldDatabase(place);
    const minuteAgo = Math.floor(Date.now() / 1000) - 60;
    utimesSync(path, minuteAgo, minuteAgo);
    const reading = await openReading(place.request({ path, read: "pinned", now: NOW }));
    await pinnedContent(reading);
    using runtime = new DatabaseSync(path);
    runtime.exec(sql);
    if (closes) runtime.close();
    if (putBack) utimesSync(path, minuteAgo, minuteAgo);
    expect(statSync(path).mtimeMs === minuteAgo * 1000).toBe(putBack || !closes);
    expect(readdirSync(place.state)).toHaveLength(closes ? 1 : 3);
    await expect(reading.confirm()).rejects.toMatchObject({
      code: "COMPONENT_MOVED",
      details: { pin: "lost" },
      message: expect.stringContaining("it was opened, or written to"),
    });
    await reading.close();
  });

  it("is held when it was opened while it was read, whether anybody has it open by now or not", async () => {
    using place = testPlace();
    const { path, copy } = coldDatabase(place);
    const reading = await openReading(place.request({ path, read: "held", now: NOW }));
    const { spans } = await pinnedContent(reading);
    using runtime = new DatabaseSync(path);
    runtime.exec("UPDATE t SET x = 'other'");
    runtime.close();
    await reading.confirm();
    expect(reading.report()).toMatchObject({ suspect: false, sqlite: { read: "pinned", quick_check: "ok" } });
    expect(ask(copyOf(spans, copy), "SELECT count(*) FROM t WHERE x = 'other'")).toBe(0);
    await reading.close();
    expect(ask(path, "SELECT count(*) FROM t WHERE x = 'other'")).toBe(100);
  });

  it("refuses one of several names, whose log may lie beside another", async () => {
    using place = testPlace();
    const { path } = coldDatabase(place);
    linkSync(path, join(place.folder, "second.db"));
    await expect(openReading(place.request({ path, read: "pinned", now: NOW }))).rejects.toMatchObject({ code: "COMPONENT_UNREADABLE" });
  });

  it("checks a damaged one, and calls it suspect", async () => {
    using place = testPlace();
    const { path } = coldDatabase(place);
    writeOver(path, 4096 * 3, "\0".repeat(200));
    const { report } = await readBack(place.request({ path, read: "pinned", now: NOW }));
    expect(report).toMatchObject({ suspect: true, sqlite: { read: "cold" } });
    expect(report.sqlite?.quick_check).not.toMatch(/^(ok|skipped)$/);
  });

  it("gives whole committed states of one that others open for a moment at a time, or nothing", async () => {
    using place = testPlace();
    const { copy } = coldDatabase(place);
    const path = join(place.state, "visited.db");
    const program = new URL("../../../test/support/visiting-writer-child.ts", import.meta.url);
    await using writer = lineProgram(program, [path, 3, "wal", 800]);
    await writer.more(5);
    for (let cold = 0; cold < 3;) {
      // A reading that holds it keeps the last one who closes it from clearing its log away.
      await writer.more(1);
      await setTimeout(100);
      const reading = await openReading(place.request({ path, read: "pinned", now: NOW }));
      try {
        copyOf((await pinnedContent(reading)).spans, copy);
        await reading.confirm();
        expect(checkVisited(copy)).toBe("ok");
        if (reading.report().sqlite?.read === "cold") cold += 1;
      } catch (error) {
        expect(error).toMatchObject({ code: "COMPONENT_MOVED" });
      } finally {
        await reading.close();
      }
    }
  });
});
