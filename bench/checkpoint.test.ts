import { readFileSync, statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../test/support/temporary-folder.ts";
import { checkpoint } from "./checkpoint.ts";

const PAGE = 4096;

function open(path: string): DatabaseSync {
  const database = new DatabaseSync(path);
  database.exec("PRAGMA journal_mode = wal; PRAGMA wal_autocheckpoint = 0");
  database.exec("CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID");
  database.exec("INSERT OR REPLACE INTO meta VALUES ('purpose', 'bench')");
  return database;
}

describe("checkpoint()", () => {
  it("brings what lies in the log into the file, and leaves a log of one row", () => {
    using folder = temporaryFolder();
    const path = folder.join("agent.db");
    const holder = open(path);
    holder.exec("CREATE TABLE notes (text TEXT)");
    for (let count = 0; count < 50; count += 1) holder.prepare("INSERT INTO notes VALUES (?)").run(`said ${count} `.repeat(200));
    expect(readFileSync(path).includes("said 49")).toBe(false);
    checkpoint(path);
    expect(readFileSync(path).includes("said 49")).toBe(true);
    expect(statSync(`${path}-wal`).size).toBe(32 + 24 + PAGE);
    holder.close();
  });

  it("refuses when a reader keeps the log, and when nobody holds the database", () => {
    using folder = temporaryFolder();
    const path = folder.join("agent.db");
    const holder = open(path);
    const reader = new DatabaseSync(path);
    reader.exec("BEGIN; SELECT * FROM meta");
    expect(() => checkpoint(path)).toThrow("could not be emptied");
    reader.exec("COMMIT");
    reader.close();
    holder.close();
    expect(() => checkpoint(path)).toThrow("Nobody else has");
  });
});
