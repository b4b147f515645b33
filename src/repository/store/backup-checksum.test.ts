import { describe, expect, it } from "vitest";
import { EntryChecksum, type Entry } from "../../vault/index.ts";
import { BackupChecksum } from "./backup-checksum.ts";

type Facts = Omit<Entry, "component">;

function file(path: string): Facts {
  return { path, type: "file", mode: 0o600, uid: 0, gid: 0, mtime_ns: "1", size: 1, sha256: "ab".repeat(32) };
}

function plainly(...entries: readonly (readonly [string, Facts])[]): string {
  const checksum = new EntryChecksum();
  for (const [component, entry] of entries) checksum.add(component, entry);
  return checksum.value();
}

describe("BackupChecksum", () => {
  it("has every component in one piece, trees first, in the order that it tells", () => {
    const checksum = new BackupChecksum();
    const database = checksum.component("database", false);
    const notes = checksum.component("notes", true);
    notes.add(file("a"));
    database.add(file("agent.db"));
    notes.add(file("b"));
    const beside = checksum.component("beside", true);
    beside.add(file("d"));
    database.end(true);
    notes.end(true);
    const logs = checksum.component("logs", true);
    logs.add(file("c"));
    logs.end(true);
    beside.end(true);
    checksum.asBefore("config", () => [file("e")]);
    expect(checksum.order).toEqual(["notes", "logs", "database", "beside", "config"]);
    const entries = [
      ["notes", file("a")],
      ["notes", file("b")],
      ["logs", file("c")],
      ["database", file("agent.db")],
      ["beside", file("d")],
      ["config", file("e")],
    ] as const;
    expect(checksum.finish().checksum).toBe(plainly(...entries));
  });

  it("leaves what is stored once more where it comes", () => {
    const checksum = new BackupChecksum(true);
    for (const [name, isTree] of [["database", false] as const, ["notes", true] as const]) {
      const component = checksum.component(name, isTree);
      component.add(file("a"));
      component.end(true);
    }
    expect(checksum.order).toEqual(["database", "notes"]);
    expect(checksum.finish()).toEqual({ checksum: plainly(["database", file("a")], ["notes", file("a")]), features: [] });
  });

  it("has nothing of a component that was given up, and all of it when it was stored after all", () => {
    const checksum = new BackupChecksum();
    for (const stored of [false, false, true]) {
      for (const [name, isTree] of [["notes", true] as const, ["database", false] as const]) {
        const component = checksum.component(name, isTree);
        component.add(file("a"));
        component.end(stored);
      }
    }
    expect(checksum.order).toEqual(["notes", "database"]);
    expect(checksum.finish().checksum).toBe(plainly(["notes", file("a")], ["database", file("a")]));
  });

  it("does not read what is as it was before it is asked for its value", () => {
    const checksum = new BackupChecksum();
    checksum.asBefore("notes", () => {
      throw new Error("read");
    });
    expect(checksum.order).toEqual(["notes"]);
    expect(() => checksum.finish().checksum).toThrow("read");
  });
});
