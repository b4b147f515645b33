import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { PackId } from "../pack/locator.ts";
import { EntryTape } from "./entry-tape.ts";
import type { StoredEntry } from "./same-tree.ts";

const SHA256 = "0123456789abcdef".repeat(4);
const place = { pack: "0011223344556677" as PackId, frame: 3, offset: 5, length: 7 };

function stored(path: string, sort: "folder" | "file" | "chunks"): StoredEntry {
  const facts = { path, mode: 0o640, uid: 1, gid: 2, user: "ü", mtime_ns: "-1234567890" };
  if (sort === "folder") return { entry: { ...facts, type: "directory", size: 0 }, kept: { kind: "none" } };
  const entry = { ...facts, type: "file" as const, size: 7, sha256: SHA256 };
  if (sort === "file") return { entry, kept: { kind: "place", place } };
  return { entry, kept: { kind: "chunks", chunks: [{ length: 7, hash: SHA256.slice(0, 32), place }] } };
}

const many = fc.array(fc.constantFrom("folder" as const, "file" as const, "file" as const, "file" as const, "chunks" as const), {
  maxLength: 300,
});

describe("EntryTape", () => {
  it.each([true, false])("gives back what it was given, in order and as often as it is asked, encoding: %s", (encodes) => {
    fc.assert(
      fc.property(many, (sorts) => {
        const entries = sorts.map((sort, number) => stored(`some/path/${number}`, sort));
        const tape = new EntryTape(encodes);
        for (const entry of entries) tape.add(entry);
        expect(tape.length).toBe(entries.length);
        expect([...tape]).toEqual(entries);
        expect([...tape]).toEqual(entries);
      }),
      { numRuns: 50 },
    );
  });

  it("gives the very objects where it does not encode", () => {
    const entry = stored("a", "file");
    const tape = new EntryTape(false);
    tape.add(entry);
    expect([...tape][0]).toBe(entry);
  });
});
