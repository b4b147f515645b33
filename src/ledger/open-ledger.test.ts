import { existsSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { ledgerProcess } from "../../test/support/ledger-process.ts";
import { temporaryFolder, type TemporaryFolder } from "../../test/support/temporary-folder.ts";
import { findLedger, openLedger } from "./open-ledger.ts";

/** A ledger of some size, closed. */
function filled(folder: TemporaryFolder): string {
  using ledger = openLedger(folder.path, refuse);
  ledger.ensureTasks(
    Array.from({ length: 200 }, (_, index) => `task-${index}-${"x".repeat(100)}`),
    1,
  );
  return folder.join("ledger.db");
}

function refuse(text: string): never {
  throw new Error(text);
}

const aside = (folder: TemporaryFolder): string[] => readdirSync(folder.path).filter((name) => name.startsWith("ledger.broken-"));

describe("openLedger()", () => {
  it("makes the folder and the ledger, and opens it again with what is in it", () => {
    using folder = temporaryFolder();
    const stateDir = folder.join("deep", "state");
    {
      using ledger = openLedger(stateDir, refuse);
      ledger.ensureTasks(["backup"], 7);
    }
    using again = openLedger(stateDir, refuse);
    expect(again.tasks()).toMatchObject([{ name: "backup", firstSeenAt: 7 }]);
  });

  const damages: readonly [what: string, damage: (path: string) => void][] = [
    ["junk", (path) => writeFileSync(path, "no database at all, and long enough for a header of one: ".repeat(10))],
    ["cut in half", (path) => truncateSync(path, Math.floor(statSync(path).size / 8192) * 4096)],
    ["cut in the middle of a page", (path) => truncateSync(path, statSync(path).size - 1000)],
    ["cut to its first page", (path) => truncateSync(path, 4096)],
    [
      "overwritten in the middle",
      (path) => {
        const bytes = readFileSync(path);
        bytes.fill(0xff, 8192, 16_384);
        writeFileSync(path, bytes);
      },
    ],
    [
      "a database of somebody else",
      (path) => {
        writeFileSync(path, "");
        const database = new DatabaseSync(path);
        database.exec("CREATE TABLE customer(id)");
        database.close();
      },
    ],
  ];
  it.each(damages)("moves one that is %s aside, says so, and begins anew", (_what, damage) => {
    using folder = temporaryFolder();
    const path = filled(folder);
    damage(path);
    const damaged = readFileSync(path);
    const remarks: string[] = [];
    {
      using ledger = openLedger(folder.path, (text) => remarks.push(text));
      expect(ledger.tasks()).toEqual([]);
      ledger.ensureTasks(["backup"], 7);
      expect(ledger.claim({ task: "backup", kind: "task", trigger: "t", now: 8, presence: "p", lastRunAt: null })).toBe(8);
    }
    const [kept = ""] = aside(folder);
    expect(remarks).toEqual([
      expect.stringMatching(/^The ledger could not be read \(.+\), was moved to ".*ledger\.broken-\d+", and begins anew$/),
    ]);
    // As it was, to be looked at; opening it may have noted in its header how it keeps its journal.
    expect(readFileSync(folder.join(kept)).subarray(100)).toEqual(damaged.subarray(100));
    using again = openLedger(folder.path, refuse);
    expect(again.tasks()).toHaveLength(1);
  });

  it.each(["", "x"])("makes one of no or of one byte (%j), which holds nothing, without a word", (content) => {
    using folder = temporaryFolder();
    writeFileSync(folder.join("ledger.db"), content);
    using ledger = openLedger(folder.path, refuse);
    expect(ledger.tasks()).toEqual([]);
  });

  it("refuses one of a newer version, and leaves it", () => {
    using folder = temporaryFolder();
    const path = filled(folder);
    const database = new DatabaseSync(path);
    database.exec("PRAGMA user_version=3");
    database.close();
    expect(() => openLedger(folder.path, refuse)).toThrow(expect.objectContaining({ code: "VERSION_UNSUPPORTED" }));
    expect(aside(folder)).toEqual([]);
  });

  it("takes one of an earlier version on, with what is in it", () => {
    using folder = temporaryFolder();
    const path = filled(folder);
    {
      using database = new DatabaseSync(path);
      database.exec("ALTER TABLE task DROP COLUMN asked_at; PRAGMA user_version=1");
    }
    using ledger = openLedger(folder.path, refuse);
    expect(ledger.tasks()).toHaveLength(200);
    ledger.makeDue("backup", 5);
    expect(ledger.tasks()[0]).toMatchObject({ name: "backup", askedAt: 5 });
    expect(aside(folder)).toEqual([]);
  });

  it("keeps one broken ledger, the newest", () => {
    using folder = temporaryFolder();
    for (const content of ["first ".repeat(100), "second ".repeat(100)]) {
      writeFileSync(folder.join("ledger.db"), content);
      openLedger(folder.path, () => {})[Symbol.dispose]();
    }
    const kept = aside(folder);
    expect(kept).toHaveLength(1);
    expect(readFileSync(folder.join(kept[0] ?? ""), "utf8")).toMatch(/^second /);
  });

  it("by four processes at once is one ledger, made once", async () => {
    for (let round = 0; round < 3; round += 1) {
      using folder = temporaryFolder();
      const all = await Promise.all([1, 2, 3, 4].map(async () => await ledgerProcess(folder.path)));
      try {
        using ledger = openLedger(folder.path, refuse);
        ledger.ensureTasks(["backup"], 1);
        const runs = await Promise.all(all.map(async (one) => await one.claim("backup", 2, null)));
        expect(runs.filter((run) => run !== null)).toEqual([2]);
      } finally {
        await Promise.all(all.map(async (one) => await one.kill()));
      }
    }
  });

  it("of a junk one by four processes at once moves that aside once, and none of them what another has made", async () => {
    for (let round = 0; round < 3; round += 1) {
      using folder = temporaryFolder();
      writeFileSync(folder.join("ledger.db"), "junk ".repeat(1000));
      const all = await Promise.all([1, 2, 3, 4].map(async () => await ledgerProcess(folder.path)));
      try {
        expect(all.flatMap(({ remarks }) => remarks)).toHaveLength(1);
        expect(readFileSync(folder.join(aside(folder)[0] ?? ""), "utf8")).toMatch(/^junk /);
        using ledger = openLedger(folder.path, refuse);
        ledger.ensureTasks(["backup"], 1);
        const runs = await Promise.all(all.map(async (one) => await one.claim("backup", 2, null)));
        expect(runs.filter((run) => run !== null)).toEqual([2]);
      } finally {
        await Promise.all(all.map(async (one) => await one.kill()));
      }
    }
  });
});

describe("findLedger()", () => {
  it("makes nothing where there is none", () => {
    using folder = temporaryFolder();
    expect(findLedger(folder.path, refuse)).toBeNull();
    expect(readdirSync(folder.path)).toEqual([]);
    filled(folder);
    using found = findLedger(folder.path, refuse);
    expect(found?.tasks()).toHaveLength(200);
    expect(existsSync(folder.join("ledger.db"))).toBe(true);
  });
});
