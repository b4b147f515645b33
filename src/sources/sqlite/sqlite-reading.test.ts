import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chownSync, copyFileSync, existsSync, linkSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { openReading } from "../open-reading.ts";
import { readBack, testPlace, type TestPlace } from "../test-request.ts";

const NOW = Date.parse("2026-03-15T14:30:00Z");

function makeDatabase(path: string, mode: "wal" | "delete", rows = 100): void {
  using database = new DatabaseSync(path);
  database.exec(`PRAGMA journal_mode=${mode}; PRAGMA user_version=3; PRAGMA application_id=7; CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT)`);
  const insert = database.prepare("INSERT INTO t (x) VALUES (?)");
  database.exec("BEGIN");
  for (let row = 0; row < rows; row += 1) insert.run("x".repeat(200));
  database.exec("COMMIT");
}

/** A process that opens the database, runs the code, says "ready", and stays until it is killed. */
async function holder(path: string, code: string): Promise<ChildProcess> {
  const script = `const { DatabaseSync } = require("node:sqlite"); const db = new DatabaseSync(${JSON.stringify(path)}, { timeout: 5000 }); ${code}; console.log("ready"); setInterval(() => {}, 1000)`;
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", "-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  await once(child.stdout, "data");
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  child.kill("SIGKILL");
  await once(child, "exit");
}

/** Two sums that every commit keeps equal, written as fast as it goes. */
const WRITER = `
  db.exec("CREATE TABLE IF NOT EXISTS a (n INTEGER); CREATE TABLE IF NOT EXISTS b (n INTEGER)");
  const write = () => { for (let i = 0; i < 20; i++) { db.exec("BEGIN IMMEDIATE"); db.exec("INSERT INTO a VALUES (1)"); db.exec("INSERT INTO b VALUES (1)"); db.exec("COMMIT"); } setImmediate(write) };
  write()`;

async function captured(place: TestPlace, path: string, request = {}): Promise<{ copy: string; details: Awaited<ReturnType<typeof readBack>> }> {
  const details = await readBack(place.request({ path, now: NOW, ...request }));
  const copy = join(place.folder, "restored.db");
  rmSync(copy, { force: true });
  writeFileSync(copy, [...details.bytes.values()][0] ?? Buffer.alloc(0));
  return { copy, details };
}

function ask(path: string, sql: string): unknown {
  using database = new DatabaseSync(path);
  return Object.values(database.prepare(sql).get() ?? {})[0];
}

describe("openReading() of a database", () => {
  it("recognises it by its header whatever its name, and describes it", async () => {
    using place = testPlace();
    const path = join(place.state, "state.dat");
    makeDatabase(path, "delete");
    const { copy, details } = await captured(place, path);
    expect(details.entries[0]).toMatchObject({ head: { path: "state.dat", database: true, mode: 0o644, size: statSync(path).size }, content: { kind: "staged", movable: true } });
    expect(details.report).toMatchObject({
      source: "sqlite",
      resolved_path: path,
      suspect: false,
      omissions: [],
      warnings: [],
      sqlite: { page_size: 4096, pages: statSync(path).size / 4096, user_version: 3, application_id: 7, journal_mode: "rollback", quick_check: "ok", quick_checked_at: "2026-03-15T14:30:00.000Z", read: "staged" },
    });
    expect(details.report.sqlite?.schema_sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(ask(copy, "PRAGMA integrity_check")).toBe("ok");
    expect(readdirSync(place.staging)).toEqual([]);
    expect(readdirSync(place.state)).toEqual(["state.dat"]);
  });

  it("keeps its copy private while it is staged, with nothing beside it", async () => {
    using place = testPlace();
    const path = join(place.state, "a.db");
    makeDatabase(path, "wal");
    const reading = await openReading(place.request({ path }));
    const [folder] = readdirSync(place.staging);
    const files = readdirSync(join(place.staging, folder ?? ""));
    expect(files).toEqual(["1"]);
    expect(statSync(join(place.staging, folder ?? "", "1")).mode & 0o777).toBe(0o600);
    await reading.close();
    expect(readdirSync(place.staging)).toEqual([]);
  });

  it("reads a cold WAL database without leaving a sidecar, with any name", async () => {
    using place = testPlace();
    const path = join(place.state, "50% odd? #name&mode=rw.db");
    makeDatabase(path, "wal");
    const before = statSync(path, { bigint: true });
    const { copy, details } = await captured(place, path);
    expect(details.report.sqlite).toMatchObject({ read: "cold", journal_mode: "wal" });
    expect(readdirSync(place.state)).toEqual(["50% odd? #name&mode=rw.db"]);
    expect(statSync(path, { bigint: true }).mtimeNs).toBe(before.mtimeNs);
    expect(ask(copy, "SELECT count(*) FROM t")).toBe(100);
  });

  for (const mode of ["wal", "delete"] as const) {
    it(`copies one committed state in ${mode} mode while another process writes`, async () => {
      using place = testPlace();
      const path = join(place.state, "live.db");
      makeDatabase(path, mode, 5000);
      const writer = await holder(path, WRITER);
      try {
        let last = 0;
        for (let round = 0; round < 5; round += 1) {
          const { copy, details } = await captured(place, path);
          expect(details.report.sqlite).toMatchObject({ read: "staged", journal_mode: mode === "wal" ? "wal" : "rollback" });
          expect(ask(copy, "PRAGMA integrity_check")).toBe("ok");
          expect(ask(copy, "SELECT (SELECT count(*) FROM a) - (SELECT count(*) FROM b)")).toBe(0);
          const count = Number(ask(copy, "SELECT count(*) FROM a"));
          expect(count).toBeGreaterThan(last);
          last = count;
        }
      } finally {
        await end(writer);
      }
    }, 60_000);
  }

  it("includes rows that are in the log only, also after the writer was killed", async () => {
    using place = testPlace();
    const path = join(place.state, "a.db");
    makeDatabase(path, "wal", 1);
    const writer = await holder(path, `db.exec("INSERT INTO t (x) SELECT 'new' FROM (WITH RECURSIVE c(v) AS (SELECT 1 UNION ALL SELECT v+1 FROM c LIMIT 50) SELECT v FROM c)")`);
    expect(ask((await captured(place, path)).copy, "SELECT count(*) FROM t")).toBe(51);
    await end(writer);
    expect(ask((await captured(place, path)).copy, "SELECT count(*) FROM t")).toBe(51);
    expect(existsSync(`${path}-wal`)).toBe(true);
  });

  it("gives up on a locked database after the busy timeout", async () => {
    using place = testPlace();
    const path = join(place.state, "a.db");
    makeDatabase(path, "delete");
    const writer = await holder(path, 'db.exec("BEGIN EXCLUSIVE")');
    try {
      await expect(openReading(place.request({ path, busyTimeout: 100 }))).rejects.toMatchObject({ code: "DATABASE_LOCKED" });
      await expect(readBack(place.request({ busyTimeout: 100 }))).rejects.toMatchObject({ code: "DATABASE_LOCKED" });
    } finally {
      await end(writer);
    }
    expect(readdirSync(place.staging)).toEqual([]);
  });

  it("ends at once when its signal is given during the wait for a lock", async () => {
    using place = testPlace();
    const path = join(place.state, "a.db");
    makeDatabase(path, "delete");
    const writer = await holder(path, 'db.exec("BEGIN EXCLUSIVE")');
    const controller = new AbortController();
    try {
      const reading = openReading(place.request({ path, busyTimeout: 600_000, signal: controller.signal }));
      setImmediate(() => controller.abort());
      await expect(reading).rejects.toMatchObject({ code: "INTERRUPTED" });
    } finally {
      await end(writer);
    }
    expect(readdirSync(place.staging)).toEqual([]);
  });

  it("leaves -wal and -shm to the account they belong to", async () => {
    using place = testPlace();
    chownSync(place.state, 1234, 1234);
    const path = join(place.state, "a.db");
    makeDatabase(path, "wal", 1);
    const writer = await holder(path, 'db.exec("INSERT INTO t (x) VALUES (1)")');
    const owners = (): unknown[] => readdirSync(place.state).map((name) => [name, statSync(join(place.state, name)).uid, statSync(join(place.state, name)).gid]);
    try {
      for (const name of readdirSync(place.state)) chownSync(join(place.state, name), 1234, 1234);
      expect((await captured(place, path)).details.report.sqlite?.read).toBe("staged");
      expect(owners()).toEqual([["a.db", 1234, 1234], ["a.db-shm", 1234, 1234], ["a.db-wal", 1234, 1234]]);
      // The runtime runs as somebody else than the database's owner: SQLite as root would hand -shm over.
      chownSync(path, 0, 0);
      await captured(place, path);
      expect(owners()).toEqual([["a.db", 0, 0], ["a.db-shm", 1234, 1234], ["a.db-wal", 1234, 1234]]);
    } finally {
      await end(writer);
    }
    // The writer is gone and its -shm lost: it is made again in the owner's name.
    chownSync(path, 1234, 1234);
    rmSync(`${path}-shm`);
    await captured(place, path);
    expect(owners()).toEqual([["a.db", 1234, 1234], ["a.db-shm", 1234, 1234], ["a.db-wal", 1234, 1234]]);
  });

  it("reads as root what its owner cannot reach, as below a closed folder of volumes", async () => {
    using place = testPlace();
    const path = join(place.state, "a.db");
    makeDatabase(path, "wal", 1);
    const writer = await holder(path, 'db.exec("INSERT INTO t (x) VALUES (1)")');
    try {
      for (const name of readdirSync(place.state)) chownSync(join(place.state, name), 1234, 1234);
      execFileSync("chmod", ["0700", place.state]);
      const { copy } = await captured(place, path);
      expect(ask(copy, "SELECT count(*) FROM t")).toBe(2);
      expect(statSync(`${path}-shm`).uid).toBe(1234);
    } finally {
      await end(writer);
    }
  });

  it("refuses a journal that needs rolling back, and says who can do it", async () => {
    using place = testPlace();
    const path = join(place.state, "live.db");
    makeDatabase(path, "delete", 2000);
    const writer = await holder(path, `db.exec("PRAGMA cache_size=1; BEGIN; UPDATE t SET x = 'y' || x")`);
    mkdirSync(join(place.folder, "cut"));
    const cut = join(place.folder, "cut/a.db");
    copyFileSync(path, cut);
    copyFileSync(`${path}-journal`, `${cut}-journal`);
    await end(writer);
    const journal = readFileSync(`${cut}-journal`);
    await expect(openReading(place.request({ path: cut, busyTimeout: 100 }))).rejects.toMatchObject({ code: "DATABASE_LOCKED", hint: expect.stringContaining("Let its application open it once") });
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

  it("runs quick_check at most once a day", async () => {
    using place = testPlace();
    const path = join(place.state, "a.db");
    makeDatabase(path, "delete");
    const first = (await captured(place, path)).details.report.sqlite;
    if (first === undefined) throw new Error("no details");
    const known = { quickCheckBefore: new Map([["a.db", first]]) };
    const hour = 3_600_000;
    const second = (await captured(place, path, { ...known, now: NOW + 23 * hour })).details.report.sqlite;
    expect(second).toMatchObject({ quick_check: "skipped", quick_checked_at: first.quick_checked_at });
    if (second === undefined) throw new Error("no details");
    const third = (await captured(place, path, { quickCheckBefore: new Map([["a.db", second]]), now: NOW + 24 * hour })).details.report.sqlite;
    expect(third).toMatchObject({ quick_check: "ok", quick_checked_at: "2026-03-16T14:30:00.000Z" });
    const backwards = (await captured(place, path, { ...known, now: NOW - hour })).details.report.sqlite;
    expect(backwards?.quick_check).toBe("ok");
  });

  it("reads a hard-linked database under the name that its log lies beside", async () => {
    using place = testPlace();
    const path = join(place.state, "z-used.db");
    const alias = join(place.state, "a-alias.db");
    makeDatabase(path, "wal", 1);
    linkSync(path, alias);
    const writer = await holder(path, 'db.exec("INSERT INTO t (x) VALUES (1)")');
    try {
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
      await expect(openReading(place.request({ path: join(place.folder, "elsewhere/only.db") }))).rejects.toMatchObject({ code: "COMPONENT_UNREADABLE" });
    } finally {
      await end(writer);
    }
  });

  it("follows the link that a component's path is", async () => {
    using place = testPlace();
    const path = join(place.state, "v3.db");
    makeDatabase(path, "wal", 1);
    symlinkSync("v3.db", join(place.state, "current.db"));
    const writer = await holder(path, 'db.exec("INSERT INTO t (x) VALUES (1)")');
    const { copy, details } = await captured(place, join(place.state, "current.db"));
    await end(writer);
    expect(details.paths).toEqual(["current.db"]);
    expect(details.report.resolved_path).toBe(path);
    expect(ask(copy, "SELECT count(*) FROM t")).toBe(2);
  });

  it("copies databases inside a tree, without their sidecars, live and under a pause", async () => {
    using place = testPlace();
    mkdirSync(join(place.state, "agents"));
    const path = join(place.state, "agents/one.sqlite");
    makeDatabase(path, "wal", 1);
    makeDatabase(join(place.state, "cold"), "wal", 1);
    writeFileSync(join(place.state, "empty.db"), "");
    writeFileSync(join(place.state, "excluded.db-wal"), "log of an excluded database");
    makeDatabase(join(place.state, "excluded.db"), "delete", 1);
    const writer = await holder(path, 'db.exec("INSERT INTO t (x) VALUES (1)")');
    try {
      for (const cut of [false, true]) {
        const { paths, bytes, report } = await readBack(place.request({ cut, exclude: ["excluded.db"], remembered: { single: false, paths: new Set(["cold", "gone.db"]) } }));
        expect(paths).toEqual([".", "agents", "agents/one.sqlite", "cold", "empty.db"]);
        expect(Object.keys(report.databases ?? {})).toEqual(["agents/one.sqlite", "cold"]);
        expect(report.databases?.["cold"]?.read).toBe("cold");
        expect(report.omissions).toEqual([]);
        expect(report.warnings).toHaveLength(2);
        const copy = join(place.folder, "restored.db");
        writeFileSync(copy, bytes.get("agents/one.sqlite") ?? "");
        expect(ask(copy, "SELECT count(*) FROM t")).toBe(2);
      }
      expect(readdirSync(place.state)).not.toContain("cold-wal");
    } finally {
      await end(writer);
    }
  });
});
