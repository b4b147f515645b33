import { existsSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openReading } from "../open-reading.ts";
import { ask, captured, holder, makeDatabase, NOW, WRITER } from "../../../test/support/source-database.ts";
import { readBack, testPlace } from "../../../test/support/source-place.ts";

describe("openReading() of a database", () => {
  it("recognises it by its header whatever its name, and describes it", async () => {
    using place = testPlace();
    const path = join(place.state, "state.dat");
    makeDatabase(path, "delete");
    const { copy, details } = await captured(place, path);
    expect(details.entries[0]).toMatchObject({
      head: { path: "state.dat", database: true, mode: 0o644, size: statSync(path).size },
      content: { kind: "staged", movable: true },
    });
    expect(details.report).toMatchObject({
      source: "sqlite",
      resolved_path: path,
      suspect: false,
      omissions: [],
      warnings: [],
      sqlite: {
        page_size: 4096,
        pages: statSync(path).size / 4096,
        user_version: 3,
        application_id: 7,
        journal_mode: "rollback",
        quick_check: "ok",
        quick_checked_at: "2026-03-15T14:30:00.000Z",
        read: "staged",
      },
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
      await using writer = await holder(path, WRITER);
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
      await writer.end();
    }, 60_000);
  }

  it("includes rows that are in the log only, also after the writer was killed", async () => {
    using place = testPlace();
    const path = join(place.state, "a.db");
    makeDatabase(path, "wal", 1);
    await using writer = await holder(
      path,
      `db.exec("INSERT INTO t (x) SELECT 'new' FROM (WITH RECURSIVE c(v) AS (SELECT 1 UNION ALL SELECT v+1 FROM c LIMIT 50) SELECT v FROM c)")`,
    );
    expect(ask((await captured(place, path)).copy, "SELECT count(*) FROM t")).toBe(51);
    await writer.end();
    expect(ask((await captured(place, path)).copy, "SELECT count(*) FROM t")).toBe(51);
    expect(existsSync(`${path}-wal`)).toBe(true);
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
    const third = (await captured(place, path, { quickCheckBefore: new Map([["a.db", second]]), now: NOW + 24 * hour })).details.report
      .sqlite;
    expect(third).toMatchObject({ quick_check: "ok", quick_checked_at: "2026-03-16T14:30:00.000Z" });
    const backwards = (await captured(place, path, { ...known, now: NOW - hour })).details.report.sqlite;
    expect(backwards?.quick_check).toBe("ok");
  });

  it("follows the link that a component's path is", async () => {
    using place = testPlace();
    const path = join(place.state, "v3.db");
    makeDatabase(path, "wal", 1);
    symlinkSync("v3.db", join(place.state, "current.db"));
    await using writer = await holder(path, 'db.exec("INSERT INTO t (x) VALUES (1)")');
    const { copy, details } = await captured(place, join(place.state, "current.db"));
    await writer.end();
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
    await using writer = await holder(path, 'db.exec("INSERT INTO t (x) VALUES (1)")');
    for (const cut of [false, true]) {
      const { paths, bytes, report } = await readBack(
        place.request({ cut, exclude: ["excluded.db"], remembered: { single: false, paths: new Set(["cold", "gone.db"]) } }),
      );
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
    await writer.end();
  });
});
