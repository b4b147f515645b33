import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { testPlace } from "../../../test/support/source-place.ts";
import { databaseChild } from "./database-child.ts";
import { isSafeSqlite, requireSafeSqlite } from "./sqlite-version.ts";

describe("databaseChild()", () => {
  it("kills the process at its deadline, and starts another for the next database", async () => {
    using place = testPlace();
    const path = join(place.state, "a.db");
    using database = new DatabaseSync(path);
    database.exec("CREATE TABLE t (x); BEGIN EXCLUSIVE");
    const target = join(place.staging, "copy");
    writeFileSync(target, "");
    const child = databaseChild();
    const request = { kind: "copy" as const, path, cold: false, target, busyTimeout: 600_000, as: null, quickCheck: true, copied: false };
    await expect(child.copy(request, 300, undefined)).rejects.toMatchObject({
      code: "DATABASE_LOCKED",
      message: expect.stringContaining("was not copied within"),
    });
    database.exec("ROLLBACK");
    expect(await child.copy(request, 60_000, undefined)).toMatchObject({ ok: true, quickCheck: "ok", pages: 2 });
    expect(await child.copy({ ...request, quickCheck: false }, 60_000, undefined)).toMatchObject({ ok: true, quickCheck: null });
    await child.close();
  });

  it("ends with the engine: its process dies when standard input closes", async () => {
    const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", join(import.meta.dirname, "child.ts")], {
      stdio: ["pipe", "ignore", "inherit"],
    });
    child.stdin.end();
    expect(await once(child, "exit")).toEqual([null, "SIGKILL"]);
  });
});

describe("requireSafeSqlite()", () => {
  it("refuses versions that can corrupt a write-ahead log", () => {
    expect(["3.51.2", "3.50.9", "3.7.0", "2.99.99"].map(isSafeSqlite)).toEqual([false, false, false, false]);
    expect(["3.51.3", "3.52.0", "3.51.10", "4.0.0"].map(isSafeSqlite)).toEqual([true, true, true, true]);
    expect(() => requireSafeSqlite("3.51.2")).toThrow(expect.objectContaining({ code: "VERSION_UNSUPPORTED" }));
    requireSafeSqlite();
  });
});
