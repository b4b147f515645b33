import { chmodSync, copyFileSync, readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { createBank, moveMoney } from "../../test/support/bank.ts";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { checkDatabase } from "./check-database.ts";

const SOUND = { complaint: null, damaged: false };

/** A closed database with a hundred transactions. */
function bank(path: string, mode: "wal" | "delete" = "wal"): void {
  using database = createBank(path, mode);
  for (let n = 0; n < 100; n += 1) moveMoney(database);
}

function overwrite(path: string, at: number, bytes: Buffer): void {
  const content = readFileSync(path);
  bytes.copy(content, at);
  writeFileSync(path, content);
}

describe("checkDatabase()", () => {
  it.each(["wal", "delete"] as const)("finds a database of mode %s sound, and leaves nothing beside it", (mode) => {
    using folder = temporaryFolder();
    const path = folder.join("odd #1?name%20.db");
    bank(path, mode);
    const before = readFileSync(path);
    expect(checkDatabase(path)).toEqual(SOUND);
    expect(readdirSync(folder.path)).toEqual(["odd #1?name%20.db"]);
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  it("takes an empty file for an empty database, as SQLite does", () => {
    using folder = temporaryFolder();
    writeFileSync(folder.join("empty.db"), "");
    expect(checkDatabase(folder.join("empty.db"))).toEqual(SOUND);
  });

  it("says what is damaged, and leaves nothing beside it", () => {
    using folder = temporaryFolder();
    const path = folder.join("state.db");
    bank(path);
    overwrite(path, 3 * 4096, Buffer.alloc(4096, 0xff));
    expect(checkDatabase(path)).toEqual({
      damaged: true,
      complaint: expect.stringMatching(/^(integrity_check: |database disk image is malformed)/),
    });
    expect(readdirSync(folder.path)).toEqual(["state.db"]);
  });

  it.each([
    ["cut off", (path: string) => truncateSync(path, 3 * 4096 + 100)],
    ["no database", (path: string) => writeFileSync(path, "this is text ".repeat(1000))],
    ["one whose header is torn", (path: string) => overwrite(path, 0, Buffer.alloc(50, 1))],
  ])("complains about a file that is %s", (_what, spoil) => {
    using folder = temporaryFolder();
    const path = folder.join("state.db");
    bank(path);
    spoil(path);
    expect(checkDatabase(path)).toEqual({ damaged: true, complaint: expect.any(String) });
    expect(readdirSync(folder.path)).toEqual(["state.db"]);
  });

  it("complains about a file that is not there, and makes none", () => {
    using folder = temporaryFolder();
    expect(checkDatabase(folder.join("gone.db"))).toEqual({ damaged: true, complaint: expect.stringContaining("unable to open") });
    expect(readdirSync(folder.path)).toEqual([]);
  });

  it("names the tables of a row that refers to one that is not there", () => {
    using folder = temporaryFolder();
    const path = folder.join("state.db");
    {
      using database = new DatabaseSync(path, { enableForeignKeyConstraints: false });
      database.exec(
        "CREATE TABLE task (id INTEGER PRIMARY KEY); CREATE TABLE step (id INTEGER PRIMARY KEY, task INTEGER REFERENCES task); INSERT INTO task VALUES (1); INSERT INTO step VALUES (1, 1)",
      );
      expect(checkDatabase(path)).toEqual(SOUND);
      database.exec("DELETE FROM task");
    }
    expect(checkDatabase(path)).toEqual({
      damaged: false,
      complaint: 'foreign_key_check: a row of "step" refers to a row of "task" that is not there',
    });
  });

  it.each([
    ["a collation", "CREATE INDEX i ON t (x COLLATE german)", "no such collation sequence: german"],
    ["a foreign key to what is no key", "CREATE TABLE u (x REFERENCES t (x))", "foreign key mismatch"],
  ])("does not call damaged what needs %s that only the application understands", (_what, sql, reason) => {
    using folder = temporaryFolder();
    const path = folder.join("state.db");
    {
      using database = new DatabaseSync(path, { defensive: false });
      database.exec("CREATE TABLE t (x TEXT); INSERT INTO t VALUES ('a'), ('b')");
      if (sql.startsWith("CREATE TABLE")) database.exec(`PRAGMA foreign_keys = OFF; ${sql}; INSERT INTO u VALUES ('a')`);
      else
        database.exec(
          `PRAGMA writable_schema = ON; INSERT INTO sqlite_schema SELECT 'index', 'i', 't', rootpage, '${sql}' FROM sqlite_schema`,
        );
    }
    expect(checkDatabase(path)).toEqual({
      damaged: false,
      complaint: expect.stringMatching(new RegExp(`_check could not run here: .*${reason}`)),
    });
  });

  it("checks a copy whose file must not be written", () => {
    using folder = temporaryFolder();
    bank(folder.join("state.db"));
    copyFileSync(folder.join("state.db"), folder.join("copy.db"));
    chmodSync(folder.join("copy.db"), 0o400);
    expect(checkDatabase(folder.join("copy.db"))).toEqual(SOUND);
  });
});
