import { chmodSync, chownSync, existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { databaseProgram, type DatabaseProgram } from "../../../test/support/database-program.ts";
import { duringCopy } from "../../../test/support/during-copy.ts";
import { killPins } from "../../../test/support/kill-pins.ts";
import { ask, NOW } from "../../../test/support/source-database.ts";
import { testPlace, type TestPlace } from "../../../test/support/source-place.ts";
import { openReading } from "../open-reading.ts";
import { databaseChild, type DatabaseChild } from "./database-child.ts";
import { stageDatabase, type StagedDatabase } from "./stage-database.ts";

/** The child itself, and what it was asked: whether it made a copy or only looked at one. */
function watchedChild(): DatabaseChild & { readonly asked: ("made" | "looked")[] } {
  const child = databaseChild();
  const asked: ("made" | "looked")[] = [];
  return {
    ...child,
    asked,
    async copy(request, deadline, signal) {
      asked.push(request.copied ? "looked" : "made");
      return await child.copy(request, deadline, signal);
    },
  };
}

/** More than what a process of its own is worth. */
const MEGABYTES = 80;

describe("stageDatabase() of a large database in write-ahead mode", () => {
  let place: TestPlace;
  let program: DatabaseProgram;
  let path: string;
  let number = 0;

  beforeAll(async () => {
    place = testPlace();
    chmodSync(place.folder, 0o755);
    path = join(place.state, "live.db");
    program = databaseProgram(path);
    await program.run("PRAGMA journal_mode=WAL");
    await program.run("PRAGMA wal_autocheckpoint=0");
    await program.run("PRAGMA user_version=3");
    await program.run("CREATE TABLE t (id INTEGER PRIMARY KEY, x BLOB)");
    await program.run(
      `WITH RECURSIVE n(v) AS (SELECT 1 UNION ALL SELECT v + 1 FROM n LIMIT ${MEGABYTES}) INSERT INTO t (x) SELECT randomblob(1000000) FROM n`,
    );
    await program.run("PRAGMA wal_checkpoint(TRUNCATE)");
    await program.run("INSERT INTO t (x) VALUES ('in the log')");
    for (const name of ["", ...readdirSync(place.state)]) chownSync(join(place.state, name), 1234, 1234);
  });
  afterAll(async () => {
    await program.kill();
    place[Symbol.dispose]();
  });

  function stage(
    child: DatabaseChild,
    known?: StagedDatabase,
  ): { readonly target: string; readonly staged: Promise<StagedDatabase | undefined> } {
    const target = join(place.staging, String((number += 1)));
    const staged = stageDatabase(
      { path, within: undefined, target, known: known?.details, busyTimeout: 5000, now: NOW, signal: undefined },
      child,
    );
    return { target, staged };
  }

  it("copies it in place, and tells the same as of one that SQLite copied when that could not be done", async () => {
    const child = watchedChild();
    const quick = stage(child);
    const one = await quick.staged;
    expect(child.asked).toEqual(["looked"]);
    const slow = stage(child);
    const [other, killed] = await duringCopy(slow.target, slow.staged, killPins);
    expect(killed).toHaveLength(1);
    expect(child.asked).toEqual(["looked", "made"]);
    expect({ ...one, stats: one?.stats.mtimeNs }).toEqual({ ...other, stats: other?.stats.mtimeNs });
    expect(one).toMatchObject({
      suspect: false,
      warnings: [],
      details: { read: "staged", journal_mode: "wal", user_version: 3, quick_check: "ok", pages: statSync(quick.target).size / 4096 },
    });
    expect(readFileSync(quick.target).equals(readFileSync(slow.target))).toBe(true);
    expect(ask(quick.target, "SELECT count(*) FROM t")).toBe(MEGABYTES + 1);
    const again = await stage(child, one).staged;
    expect(again?.details.quick_check).toBe("skipped");
    await child.close();
    // Root opened it, and its sidecars belong to whom they belonged.
    expect(readdirSync(place.state).map((name) => [name, statSync(join(place.state, name)).uid])).toEqual([
      ["live.db", 1234],
      ["live.db-shm", 1234],
      ["live.db-wal", 1234],
    ]);
  });

  it("throws a copy away that does not say of itself what the snapshot said, and has SQLite make another", async () => {
    const child = watchedChild();
    const wrong: DatabaseChild = {
      ...child,
      async copy(request, deadline, signal) {
        const answer = await child.copy(request, deadline, signal);
        return answer.ok && request.copied ? { ...answer, schemaSha256: "another" } : answer;
      },
    };
    const { staged } = stage(wrong);
    expect((await staged)?.details.schema_sha256).not.toBe("another");
    expect(child.asked).toEqual(["looked", "made"]);
    await child.close();
  });

  it("has let go of the snapshot before the copy is stored", async () => {
    const reading = await openReading(place.request({ path, read: "staged", now: NOW }));
    expect(reading.report().sqlite?.read).toBe("staged");
    expect(killPins()).toEqual([]);
    await program.run("PRAGMA wal_checkpoint(TRUNCATE)");
    expect(statSync(`${path}-wal`).size).toBe(0);
    await program.run("INSERT INTO t (x) VALUES ('later')");
    await reading.close();
    expect(existsSync(`${path}-wal`)).toBe(true);
  });
});

describe("stageDatabase() of any other database", () => {
  it.each([
    ["copies in place a large cold one", "wal", MEGABYTES, "cold", "looked"],
    ["copies in place a large one with a rollback journal", "delete", MEGABYTES, "staged", "looked"],
    ["has SQLite copy a small one", "wal", 1, "cold", "made"],
  ] as const)("%s", async (_, mode, megabytes, read, asked) => {
    using place = testPlace();
    const path = join(place.state, "a.db");
    const database = new DatabaseSync(path);
    database.exec(`PRAGMA journal_mode=${mode}; CREATE TABLE t (x BLOB)`);
    database.exec(
      `WITH RECURSIVE n(v) AS (SELECT 1 UNION ALL SELECT v + 1 FROM n LIMIT ${megabytes}) INSERT INTO t SELECT zeroblob(1000000) FROM n`,
    );
    database.close();
    const child = watchedChild();
    const target = join(place.staging, "copy");
    const request = { path, within: undefined, target, known: undefined, busyTimeout: 5000, now: NOW, signal: undefined };
    const staged = await stageDatabase(request, child);
    expect(staged?.details).toMatchObject({ read, journal_mode: mode === "wal" ? "wal" : "rollback", quick_check: "ok" });
    expect(child.asked).toEqual([asked]);
    await child.close();
    expect(readdirSync(place.state)).toEqual(["a.db"]);
    expect(ask(target, "SELECT count(*) FROM t")).toBe(megabytes);
  });

  it("does not call a cold one damaged that is opened while it is copied, and opens it itself when that goes on", async () => {
    using place = testPlace();
    const path = join(place.state, "a.db");
    using database = new DatabaseSync(path);
    database.exec("PRAGMA journal_mode=WAL; CREATE TABLE t (x BLOB)");
    const insert = (count: number): void =>
      database.exec(
        `WITH RECURSIVE n(v) AS (SELECT 1 UNION ALL SELECT v + 1 FROM n LIMIT ${count}) INSERT INTO t SELECT zeroblob(1000000) FROM n`,
      );
    insert(MEGABYTES);
    database.close();
    const child = watchedChild();
    let visits = 0;
    const visited: DatabaseChild = {
      ...child,
      async write(spans, target, deadline, signal) {
        const written = await child.write(spans, target, deadline, signal);
        visits += 1;
        database.open();
        insert(1);
        database.close();
        return written;
      },
    };
    const target = join(place.staging, "copy");
    const request = { path, within: undefined, target, known: undefined, busyTimeout: 5000, now: NOW, signal: undefined };
    const staged = await stageDatabase(request, visited);
    expect([visits, staged?.details.read, staged?.suspect]).toEqual([3, "staged", false]);
    expect(child.asked).toEqual(["looked"]);
    await child.close();
    // The last of the three states was copied before the last visit.
    expect(ask(target, "SELECT count(*) FROM t")).toBe(MEGABYTES + 2);
  });
});
