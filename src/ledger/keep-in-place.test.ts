import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { keepInPlace, replaceDamaged } from "./keep-in-place.ts";
import { openLedger } from "./open-ledger.ts";

const refuse = (text: string): never => {
  throw new Error(text);
};

describe("keepInPlace()", () => {
  it("does nothing while the ledger lies where it was opened", () => {
    using folder = temporaryFolder();
    using ledger = openLedger(folder.path, refuse);
    const { database } = ledger.file;
    keepInPlace(ledger, refuse);
    expect(ledger.file.database).toBe(database);
  });

  it.each([
    ["alone", ["ledger.db"]],
    ["with its sidecars", ["ledger.db", "ledger.db-wal", "ledger.db-shm"]],
  ])("writes one that was removed %s anew, with all that was in it, and says so", (_how, names) => {
    using folder = temporaryFolder();
    const remarks: string[] = [];
    using ledger = openLedger(folder.path, refuse);
    ledger.ensureTasks(["backup"], 7);
    for (const name of names) rmSync(folder.join(name));
    ledger.ensureTasks(["summary"], 8);
    keepInPlace(ledger, (text) => remarks.push(text));
    expect(remarks).toEqual([expect.stringMatching(/ledger\.db" was removed while it was in use: it is written anew/)]);
    ledger.ensureTasks(["kbSync"], 9);
    using other = openLedger(folder.path, refuse);
    expect(other.tasks().map(({ name }) => name)).toEqual(["backup", "kbSync", "summary"]);
    expect(readdirSync(folder.path).filter((name) => name.endsWith(".new"))).toEqual([]);
  });

  it("makes a state folder that was removed with everything in it", () => {
    using folder = temporaryFolder();
    const stateDir = folder.join("state");
    using ledger = openLedger(stateDir, refuse);
    ledger.ensureTasks(["backup"], 7);
    rmSync(stateDir, { recursive: true });
    keepInPlace(ledger, () => {});
    using other = openLedger(stateDir, refuse);
    expect(other.tasks()).toMatchObject([{ name: "backup", firstSeenAt: 7 }]);
  });

  it("goes on in the ledger that another process made meanwhile, and leaves what is in that one", () => {
    using folder = temporaryFolder();
    const remarks: string[] = [];
    using ledger = openLedger(folder.path, refuse);
    ledger.ensureTasks(["backup"], 7);
    for (const name of ["ledger.db", "ledger.db-wal", "ledger.db-shm"]) rmSync(folder.join(name));
    using other = openLedger(folder.path, refuse);
    other.ensureTasks(["summary"], 8);
    keepInPlace(ledger, (text) => remarks.push(text));
    expect(remarks).toEqual([expect.stringContaining("Another file was put in the place of the ledger")]);
    expect(ledger.tasks().map(({ name }) => name)).toEqual(["summary"]);
    ledger.ensureTasks(["kbSync"], 9);
    expect(other.tasks().map(({ name }) => name)).toEqual(["kbSync", "summary"]);
  });

  it("moves what was put in its place and is no ledger aside", () => {
    using folder = temporaryFolder();
    const remarks: string[] = [];
    using ledger = openLedger(folder.path, refuse);
    for (const name of ["ledger.db", "ledger.db-wal", "ledger.db-shm"]) rmSync(folder.join(name));
    writeFileSync(folder.join("ledger.db"), "no database at all, and long enough for a header of one: ".repeat(10));
    keepInPlace(ledger, (text) => remarks.push(text));
    expect(remarks[0]).toContain("could not be read");
    ledger.ensureTasks(["backup"], 7);
    expect(readdirSync(folder.path).filter((name) => name.startsWith("ledger.broken-"))).toHaveLength(1);
  });
});

describe("replaceDamaged()", () => {
  it("begins anew after an error that says the file is damaged, and only then", () => {
    using folder = temporaryFolder();
    const remarks: string[] = [];
    using ledger = openLedger(folder.path, refuse);
    ledger.ensureTasks(
      Array.from({ length: 200 }, (_, index) => `task-${index}-${"x".repeat(100)}`),
      1,
    );
    ledger.file.database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    const path = folder.join("ledger.db");
    writeFileSync(path, Buffer.alloc(statSync(path).size, 0xff), { flag: "r+" });
    let damage: unknown;
    try {
      // What this connection has read already it does not read again.
      using fresh = new DatabaseSync(path);
      fresh.prepare("SELECT * FROM task").all();
    } catch (error) {
      damage = error;
    }
    expect(replaceDamaged(ledger, new Error("disk I/O error"), refuse)).toBe(false);
    expect(replaceDamaged(ledger, damage, (text) => remarks.push(text))).toBe(true);
    expect(remarks[0]).toContain("could not be read");
    expect(ledger.tasks()).toEqual([]);
    ledger.ensureTasks(["backup"], 2);
    expect(existsSync(path)).toBe(true);
  });
});
