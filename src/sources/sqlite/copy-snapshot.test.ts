import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { databaseProgram, type DatabaseProgram } from "../../../test/support/database-program.ts";
import { duringCopy } from "../../../test/support/during-copy.ts";
import { killPins } from "../../../test/support/kill-pins.ts";
import { lineProgram } from "../../../test/support/line-program.ts";
import { checkPinned } from "../../../test/support/pinned-state.ts";
import { checkVisited } from "../../../test/support/visited-state.ts";
import { ask, holder } from "../../../test/support/source-database.ts";
import { testPlace } from "../../../test/support/source-place.ts";
import { identityOf } from "../../kernel/index.ts";
import { isCold, settledState } from "./cold-database.ts";
import { copySnapshot, type SnapshotToCopy } from "./copy-snapshot.ts";
import { databaseChild } from "./database-child.ts";
import type { Pinned } from "./pin-protocol.ts";

async function copyInPlace(
  path: string,
  target: string,
  more: { signal?: AbortSignal; busyTimeout?: number; deadline?: number } = {},
): Promise<Pinned | undefined> {
  const state = await settledState(path, undefined);
  if (state === undefined) throw new Error(`"${path}" is gone`);
  return await copied({
    path,
    cold: isCold(state),
    identity: state.identity,
    target,
    busyTimeout: more.busyTimeout ?? 5000,
    deadline: more.deadline ?? 60_000,
    signal: more.signal,
  });
}

async function copied(snapshot: SnapshotToCopy): Promise<Pinned | undefined> {
  const child = databaseChild();
  try {
    return await copySnapshot(snapshot, child);
  } finally {
    await child.close();
  }
}

/** What copySnapshot() stands beside. */
async function copyBySqlite(path: string, target: string, cold = false): Promise<void> {
  rmSync(target, { force: true });
  writeFileSync(target, "");
  const child = databaseChild();
  const request = { kind: "copy" as const, path, cold, target, busyTimeout: 5000, as: null, quickCheck: true, copied: false };
  expect(await child.copy(request, 60_000, undefined)).toMatchObject({ ok: true, quickCheck: "ok" });
  await child.close();
}

function rows(count: number, bytes: number): string {
  return `WITH RECURSIVE n(v) AS (SELECT 1 UNION ALL SELECT v + 1 FROM n LIMIT ${count}) INSERT INTO t (x) SELECT randomblob(${bytes}) FROM n`;
}

/** Somebody has it open, in write-ahead mode. */
async function walDatabase(path: string): Promise<DatabaseProgram> {
  const program = databaseProgram(path);
  await program.run("PRAGMA journal_mode=WAL");
  await program.run("CREATE TABLE t (id INTEGER PRIMARY KEY, x BLOB)");
  return program;
}

/** Each leaves the database and its log in another state; they follow one on the other. */
const STATES: readonly (readonly [string, (program: DatabaseProgram, path: string) => Promise<void>])[] = [
  ["all of it in the log", async (program) => void (await program.run(rows(200, 3000)))],
  [
    "a part of the log in the file",
    async (program, path) => {
      await using reader = databaseProgram(path);
      await reader.run("BEGIN");
      await reader.run("SELECT count(*) FROM t");
      await program.run("UPDATE t SET x = randomblob(2000) WHERE id % 3 = 0");
      await program.run("PRAGMA wal_checkpoint(PASSIVE)");
    },
  ],
  ["all of the log in the file", async (program) => void (await program.run("PRAGMA wal_checkpoint(FULL)"))],
  ["an empty log", async (program) => void (await program.run("PRAGMA wal_checkpoint(TRUNCATE)"))],
  [
    "it shrunk in the log",
    async (program) => {
      await program.run("DELETE FROM t WHERE id > 40");
      await program.run("VACUUM");
    },
  ],
  ["grown again, behind the end of the file", async (program) => void (await program.run(rows(300, 5000)))],
  [
    "another schema and another user_version",
    async (program) => {
      await program.run("CREATE INDEX later ON t (length(x))");
      await program.run("PRAGMA user_version=77");
    },
  ],
];

describe("copySnapshot()", () => {
  it.each([
    [512, "FULL"],
    [4096, "NONE"],
    [4096, "FULL"],
    [65_536, "INCREMENTAL"],
  ])("makes the very bytes that backup() makes, of %i-byte pages with auto_vacuum %s, wherever they lie", async (pageSize, autoVacuum) => {
    using place = testPlace();
    const path = join(place.state, "live.db");
    await using program = databaseProgram(path);
    for (const sql of [`page_size=${pageSize}`, `auto_vacuum=${autoVacuum}`, "journal_mode=WAL", "wal_autocheckpoint=0"])
      await program.run(`PRAGMA ${sql}`);
    await program.run("CREATE TABLE t (id INTEGER PRIMARY KEY, x BLOB)");
    const [one, other] = [join(place.staging, "one"), join(place.staging, "other")];
    for (const [state, reach] of STATES) {
      await reach(program, path);
      const pinned = await copyInPlace(path, one);
      await copyBySqlite(path, other);
      expect(readFileSync(one).equals(readFileSync(other)), state).toBe(true);
      expect(pinned, state).toMatchObject({ pageSize, pages: statSync(other).size / pageSize });
      expect(statSync(one).mode & 0o777).toBe(0o600);
    }
  });

  it.each(["delete", "persist", "truncate", "cold"])("makes the same bytes in mode %s, of every size of pages", async (mode) => {
    using place = testPlace();
    for (const pageSize of [512, 4096, 65_536]) {
      const path = join(place.state, `${pageSize}.db`);
      await using program = databaseProgram(path);
      await program.run(`PRAGMA page_size=${pageSize}`);
      await program.run(`PRAGMA journal_mode=${mode === "cold" ? "wal" : mode}`);
      await program.run("CREATE TABLE t (id INTEGER PRIMARY KEY, x BLOB)");
      await program.run(rows(200, 3000));
      await program.run("DELETE FROM t WHERE id > 150");
      await program.run("PRAGMA user_version=5");
      // Closed in good order, it has no log any more.
      if (mode === "cold") {
        await program.kill();
        ask(path, "SELECT count(*) FROM t");
      }
      const before = readdirSync(place.state);
      const [one, other] = [join(place.staging, `${pageSize}-one`), join(place.staging, `${pageSize}-other`)];
      expect(await copyInPlace(path, one)).toMatchObject({ pageSize, pages: statSync(path).size / pageSize, userVersion: 5, index: null });
      await copyBySqlite(path, other, mode === "cold");
      expect(readFileSync(one).equals(readFileSync(other)), String(pageSize)).toBe(true);
      expect(readdirSync(place.state)).toEqual(before);
    }
  });

  it("has writers wait for as long as it copies one with a rollback journal, and no longer", async () => {
    using place = testPlace();
    const path = join(place.state, "a.db");
    using runtime = new DatabaseSync(path, { timeout: 0 });
    runtime.exec("CREATE TABLE t (id INTEGER PRIMARY KEY, x BLOB)");
    runtime.exec(rows(6000, 3500));
    const target = join(place.staging, "copy");
    const write = (): void => runtime.exec("UPDATE t SET x = 'later' WHERE id = 1");
    const [found, refused] = await duringCopy(target, copyInPlace(path, target), () => {
      expect(write).toThrow("database is locked");
      return true;
    });
    expect([found !== undefined, refused]).toEqual([true, true]);
    write();
    expect(ask(target, "SELECT count(*) FROM t WHERE x = 'later'")).toBe(0);
    expect(ask(target, "PRAGMA integrity_check")).toBe("ok");
  });

  it.each(["delete", "cold"])("leaves nothing when one in mode %s is written to in the middle because nothing holds it", async (mode) => {
    using place = testPlace();
    const path = join(place.state, "a.db");
    await using program = databaseProgram(path);
    await program.run(`PRAGMA journal_mode=${mode === "cold" ? "wal" : mode}`);
    await program.run("CREATE TABLE t (id INTEGER PRIMARY KEY, x BLOB)");
    await program.run(rows(6000, 3500));
    if (mode === "cold") {
      await program.kill();
      ask(path, "SELECT count(*) FROM t");
    }
    const target = join(place.staging, "copy");
    const [found] = await duringCopy(target, copyInPlace(path, target), () => {
      if (mode === "delete") killPins();
      using database = new DatabaseSync(path, { timeout: 5000 });
      database.exec("UPDATE t SET x = 'later' WHERE id = 1");
    });
    expect(found).toBeUndefined();
    expect(existsSync(target)).toBe(false);
    expect(await copyInPlace(path, target)).toBeDefined();
    expect(ask(target, "SELECT count(*) FROM t WHERE x = 'later'")).toBe(1);
  });

  it("leaves to SQLite one with a hot journal, or that another is writing to", async () => {
    using place = testPlace();
    const path = join(place.state, "a.db");
    const target = join(place.staging, "copy");
    await using program = databaseProgram(path);
    await program.run("CREATE TABLE t (id INTEGER PRIMARY KEY, x BLOB)");
    await program.run(rows(100, 3500));
    await program.run("PRAGMA cache_size=1");
    await program.run("BEGIN EXCLUSIVE");
    await program.run("UPDATE t SET x = randomblob(3500)");
    expect(await copyInPlace(path, target, { busyTimeout: 1 })).toBeUndefined();
    await program.kill();
    expect(statSync(`${path}-journal`).size).toBeGreaterThan(0);
    expect(await copyInPlace(path, target)).toBeUndefined();
    expect(existsSync(target)).toBe(false);
  });

  it("copies whole committed states while others commit and checkpoint", async () => {
    using place = testPlace();
    const path = join(place.state, "live.db");
    const support = (name: string): URL => new URL(`../../../test/support/${name}`, import.meta.url);
    await using writer = lineProgram(support("pinned-writer-child.ts"), [path, 11, 4096, "FULL", 100, 2_000_000]);
    await writer.more(1);
    await using checkpoints = lineProgram(support("checkpoint-child.ts"), [path, 12]);
    let last = 0;
    for (let n = 0; n < 8; n += 1) {
      const before = Number(writer.last());
      const target = join(place.staging, String(n));
      expect(await copyInPlace(path, target)).toBeDefined();
      const number = checkPinned(target, true);
      expect(number).toBeGreaterThanOrEqual(Math.max(before, last));
      last = number;
      await writer.more(3);
      await checkpoints.more(1);
    }
  });

  it.each(["delete", "truncate"])("copies whole committed states while others write in mode %s", async (mode) => {
    using place = testPlace();
    const path = join(place.state, "live.db");
    const program = new URL("../../../test/support/visiting-writer-child.ts", import.meta.url);
    await using writer = lineProgram(program, [path, 4, mode, 40]);
    await writer.more(5);
    const target = join(place.staging, "copy");
    for (let n = 0; n < 8; n += 1) {
      expect(await copyInPlace(path, target)).toBeDefined();
      expect(checkVisited(target)).toBe("ok");
      await writer.more(1);
    }
  });

  it("leaves nothing when the process that holds the snapshot ends in the middle, for then the pages change under it", async () => {
    using place = testPlace();
    const path = join(place.state, "live.db");
    await using program = await walDatabase(path);
    await program.run(rows(6000, 3500));
    const target = join(place.staging, "copy");
    const [found, killed] = await duringCopy(target, copyInPlace(path, target), killPins);
    expect(killed).toHaveLength(1);
    expect(found).toBeUndefined();
    expect(existsSync(target)).toBe(false);
    expect(await copyInPlace(path, target)).toBeDefined();
    expect(ask(target, "SELECT count(*) FROM t")).toBe(6000);
  });

  it("ends when it is interrupted in the middle, and lets go of the snapshot", async () => {
    using place = testPlace();
    const path = join(place.state, "live.db");
    await using program = await walDatabase(path);
    await program.run(rows(6000, 3500));
    const target = join(place.staging, "copy");
    const controller = new AbortController();
    const { signal } = controller;
    const copying = duringCopy(target, copyInPlace(path, target, { signal }), () => controller.abort());
    await expect(copying).rejects.toMatchObject({ code: "INTERRUPTED" });
    expect(existsSync(target)).toBe(false);
    expect(killPins()).toEqual([]);
    await program.run("PRAGMA wal_checkpoint(TRUNCATE)");
    expect(statSync(`${path}-wal`).size).toBe(0);
  });

  it("leaves nothing when it takes longer than it may, and lets go of the snapshot", async () => {
    using place = testPlace();
    const path = join(place.state, "live.db");
    await using program = await walDatabase(path);
    await program.run(rows(6000, 3500));
    const target = join(place.staging, "copy");
    expect(await copyInPlace(path, target, { deadline: 1 })).toBeUndefined();
    expect(existsSync(target)).toBe(false);
    expect(killPins()).toEqual([]);
    expect(await copyInPlace(path, target)).toBeDefined();
  });

  it("does not wait long for a database that another process has all for itself", async () => {
    using place = testPlace();
    const path = join(place.state, "live.db");
    await using runtime = await holder(
      path,
      'db.exec("PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; CREATE TABLE t (x); INSERT INTO t VALUES (1)")',
    );
    const target = join(place.staging, "copy");
    // Waited for in full, this would take longer than any test may.
    expect(await copyInPlace(path, target, { busyTimeout: 600_000 })).toBeUndefined();
    expect(existsSync(target)).toBe(false);
    await runtime.end();
  });

  it("takes no other file than the one that was looked at", async () => {
    using place = testPlace();
    const path = join(place.state, "live.db");
    await using program = await walDatabase(path);
    await program.run(rows(10, 3000));
    const target = join(place.staging, "copy");
    const { device, inode } = identityOf(statSync(path, { bigint: true }));
    const identity = { device, inode: inode + 1n };
    expect(await copied({ path, cold: false, identity, target, busyTimeout: 5000, deadline: 60_000, signal: undefined })).toBeUndefined();
    expect(existsSync(target)).toBe(false);
  });
});
