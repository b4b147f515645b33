import { execFileSync } from "node:child_process";
import {
  chownSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openReading } from "../open-reading.ts";
import { ask, captured, holder, makeDatabase, NOW } from "../../../test/support/source-database.ts";
import { readBack, testPlace } from "../../../test/support/source-place.ts";

describe("openReading() of a database that resists", () => {
  it("gives up on a locked database after the busy timeout", async () => {
    using place = testPlace();
    const path = join(place.state, "a.db");
    makeDatabase(path, "delete");
    await using writer = await holder(path, 'db.exec("BEGIN EXCLUSIVE")');
    await expect(openReading(place.request({ path, busyTimeout: 100 }))).rejects.toMatchObject({ code: "DATABASE_LOCKED" });
    await expect(readBack(place.request({ busyTimeout: 100 }))).rejects.toMatchObject({ code: "DATABASE_LOCKED" });
    await writer.end();
    expect(readdirSync(place.staging)).toEqual([]);
  });

  it("ends at once when its signal is given during the wait for a lock", async () => {
    using place = testPlace();
    const path = join(place.state, "a.db");
    makeDatabase(path, "delete");
    await using writer = await holder(path, 'db.exec("BEGIN EXCLUSIVE")');
    const controller = new AbortController();
    const reading = openReading(place.request({ path, busyTimeout: 600_000, signal: controller.signal }));
    setImmediate(() => controller.abort());
    await expect(reading).rejects.toMatchObject({ code: "INTERRUPTED" });
    await writer.end();
    expect(readdirSync(place.staging)).toEqual([]);
  });

  it("leaves -wal and -shm to the account they belong to", async () => {
    using place = testPlace();
    chownSync(place.state, 1234, 1234);
    const path = join(place.state, "a.db");
    makeDatabase(path, "wal", 1);
    await using writer = await holder(path, 'db.exec("INSERT INTO t (x) VALUES (1)")');
    const owners = (): unknown[] =>
      readdirSync(place.state).map((name) => [name, statSync(join(place.state, name)).uid, statSync(join(place.state, name)).gid]);
    for (const name of readdirSync(place.state)) chownSync(join(place.state, name), 1234, 1234);
    expect((await captured(place, path)).details.report.sqlite?.read).toBe("staged");
    expect(owners()).toEqual([
      ["a.db", 1234, 1234],
      ["a.db-shm", 1234, 1234],
      ["a.db-wal", 1234, 1234],
    ]);
    // The runtime runs as somebody else than the database's owner: SQLite as root would hand -shm over.
    chownSync(path, 0, 0);
    await captured(place, path);
    expect(owners()).toEqual([
      ["a.db", 0, 0],
      ["a.db-shm", 1234, 1234],
      ["a.db-wal", 1234, 1234],
    ]);
    await writer.end();
    // The writer is gone and its -shm lost: it is made again in the owner's name.
    chownSync(path, 1234, 1234);
    rmSync(`${path}-shm`);
    await captured(place, path);
    expect(owners()).toEqual([
      ["a.db", 1234, 1234],
      ["a.db-shm", 1234, 1234],
      ["a.db-wal", 1234, 1234],
    ]);
  });

  it("reads as root what its owner cannot reach, as below a closed folder of volumes", async () => {
    using place = testPlace();
    const path = join(place.state, "a.db");
    makeDatabase(path, "wal", 1);
    await using writer = await holder(path, 'db.exec("INSERT INTO t (x) VALUES (1)")');
    for (const name of readdirSync(place.state)) chownSync(join(place.state, name), 1234, 1234);
    execFileSync("chmod", ["0700", place.state]);
    const { copy } = await captured(place, path);
    expect(ask(copy, "SELECT count(*) FROM t")).toBe(2);
    expect(statSync(`${path}-shm`).uid).toBe(1234);
    await writer.end();
  });

  it("refuses a journal that needs rolling back, and says who can do it", async () => {
    using place = testPlace();
    const path = join(place.state, "live.db");
    makeDatabase(path, "delete", 2000);
    await using writer = await holder(path, `db.exec("PRAGMA cache_size=1; BEGIN; UPDATE t SET x = 'y' || x")`);
    mkdirSync(join(place.folder, "cut"));
    const cut = join(place.folder, "cut/a.db");
    copyFileSync(path, cut);
    copyFileSync(`${path}-journal`, `${cut}-journal`);
    await writer.end();
    const journal = readFileSync(`${cut}-journal`);
    await expect(openReading(place.request({ path: cut, busyTimeout: 100 }))).rejects.toMatchObject({
      code: "DATABASE_LOCKED",
      hint: expect.stringContaining("Let its application open it once"),
    });
    expect(readFileSync(`${cut}-journal`).equals(journal)).toBe(true);
  });

  it("refuses what should be a database and is none", async () => {
    using place = testPlace();
    const path = join(place.state, "a.db");
    const damaged = { code: "DATABASE_DAMAGED" };
    writeFileSync(path, "");
    await expect(openReading(place.request({ path }))).rejects.toMatchObject(damaged);
    await expect(openReading(place.request({ path, kind: "file" }))).rejects.toMatchObject(damaged);
    writeFileSync(path, Buffer.alloc(8192, 0xa7));
    await expect(openReading(place.request({ path, kind: "sqlite" }))).rejects.toMatchObject(damaged);
    await expect(openReading(place.request({ path, remembered: { single: true, paths: new Set() } }))).rejects.toMatchObject(damaged);
    expect((await readBack(place.request({ path }))).report.source).toBe("file");
    writeFileSync(`${path}-wal`, "");
    await expect(openReading(place.request({ path }))).rejects.toMatchObject({ ...damaged, message: expect.stringContaining("encrypted") });
    await expect(readBack(place.request())).rejects.toMatchObject(damaged);
    rmSync(`${path}-wal`);
    await expect(readBack(place.request({ remembered: { single: false, paths: new Set(["a.db"]) } }))).rejects.toMatchObject(damaged);
    writeFileSync(path, `SQLite format 3\0${"x".repeat(8000)}`);
    await expect(openReading(place.request({ path }))).rejects.toMatchObject(damaged);
    expect(readdirSync(place.staging)).toEqual([]);
  });

  it("captures a damaged database as it is, and calls it suspect", async () => {
    using place = testPlace();
    const path = join(place.state, "a.db");
    makeDatabase(path, "delete", 5000);
    const bytes = readFileSync(path);
    bytes.fill(0xff, 4096 * 20, 4096 * 22);
    writeFileSync(path, bytes);
    const { details } = await captured(place, path);
    expect(details.report.suspect).toBe(true);
    expect(details.report.warnings).toHaveLength(1);
    expect(details.report.sqlite?.quick_check).not.toBe("ok");
    const known = details.report.sqlite;
    if (known === undefined) throw new Error("no details");
    // A complaint is looked at again however young it is.
    const again = await readBack(place.request({ path, now: NOW + 1000, quickCheckBefore: new Map([["a.db", known]]) }));
    expect(again.report.suspect).toBe(true);
  });

  it("reads a hard-linked database under the name that its log lies beside", async () => {
    using place = testPlace();
    const path = join(place.state, "z-used.db");
    const alias = join(place.state, "a-alias.db");
    makeDatabase(path, "wal", 1);
    linkSync(path, alias);
    await using writer = await holder(path, 'db.exec("INSERT INTO t (x) VALUES (1)")');
    expect(ask((await captured(place, alias)).copy, "SELECT count(*) FROM t")).toBe(2);
    const tree = await readBack(place.request());
    expect(tree.entries.map(({ head }) => [head.path, head.database, head.hard_link])).toEqual([
      [".", undefined, undefined],
      ["a-alias.db", true, undefined],
      ["z-used.db", true, "a-alias.db"],
    ]);
    const copy = join(place.folder, "tree.db");
    writeFileSync(copy, tree.bytes.get("a-alias.db") ?? "");
    expect(ask(copy, "SELECT count(*) FROM t")).toBe(2);
    expect(existsSync(`${alias}-wal`)).toBe(false);
    // The name in use lies where nobody looks: its rows would be lost.
    mkdirSync(join(place.folder, "elsewhere"));
    linkSync(path, join(place.folder, "elsewhere/only.db"));
    await expect(openReading(place.request({ path: join(place.folder, "elsewhere/only.db") }))).rejects.toMatchObject({
      code: "COMPONENT_UNREADABLE",
    });
    await writer.end();
  });
});
