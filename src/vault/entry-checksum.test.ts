import { hash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EntryChecksum } from "./entry-checksum.ts";
import type { Entry } from "./entry.ts";
import { formatEntry, parseEntryLine } from "./parse-entry.ts";

const ENTRY: Entry = {
  component: "m",
  path: "a",
  type: "file",
  mode: 0o644,
  uid: 1,
  gid: 2,
  mtime_ns: "5",
  size: 3,
  sha256: "0".repeat(64),
};

function checksumOf(...entries: readonly Entry[]): string {
  const checksum = new EntryChecksum();
  for (const entry of entries) checksum.add(entry.component, entry);
  return checksum.value();
}

describe("EntryChecksum", () => {
  it("differs for ab + c and a + bc, and for every field", () => {
    const variants: readonly Entry[] = [
      ENTRY,
      { ...ENTRY, component: "ma", path: "" },
      { ...ENTRY, component: "", path: "ma" },
      { ...ENTRY, path: "b" },
      { ...ENTRY, type: "directory" },
      { ...ENTRY, mode: 0o600 },
      { ...ENTRY, uid: 12, gid: 2 },
      { ...ENTRY, uid: 1, gid: 22 },
      { ...ENTRY, user: "" },
      { ...ENTRY, group: "" },
      { ...ENTRY, mtime_ns: "6" },
      { ...ENTRY, size: 4 },
      { ...ENTRY, sha256: "1".repeat(64) },
      { ...ENTRY, pages_sha256: "0".repeat(64) },
      { ...ENTRY, pages_sha256: "1".repeat(64) },
      { ...ENTRY, target: "x" },
      { ...ENTRY, hard_link: "x" },
      { ...ENTRY, sparse: true },
      { ...ENTRY, database: true },
    ];
    expect(new Set(variants.map((entry) => checksumOf(entry))).size).toBe(variants.length);
    expect(checksumOf(ENTRY, { ...ENTRY, path: "b" })).not.toBe(checksumOf({ ...ENTRY, path: "b" }, ENTRY));
  });

  it("is the hash of all fields in turn, each with its length, whoever the entry before belonged to", () => {
    const id = fc.constantFrom(0, 1, 1000);
    const name = fc.option(fc.constantFrom("", "root", "ä", "é"), { nil: undefined });
    const entry = fc.record({
      component: fc.constantFrom("m", "ä"),
      path: fc.constantFrom(".", "a", "b/ü"),
      type: fc.constantFrom("file", "directory", "symlink"),
      mode: fc.constantFrom(0o600, 0o644),
      uid: id,
      gid: id,
      user: name,
      group: name,
      mtime_ns: fc.constantFrom("5", "-7"),
      size: fc.nat(20),
      sha256: fc.option(fc.constantFrom("00", "ff"), { nil: undefined }),
      target: name,
      hard_link: name,
      sparse: fc.boolean(),
      database: fc.boolean(),
    });
    const field = (value: string | undefined): string => (value === undefined ? "-;" : `${Buffer.byteLength(value)}:${value};`);
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 20 }), (entries) => {
        const plainly = entries.map((one) => {
          const owner = [one.type, one.mode.toString(8), String(one.uid), String(one.gid), one.user, one.group];
          const content = [one.mtime_ns, String(one.size), one.sha256, one.target, one.hard_link];
          const kinds = [one.sparse ? "sparse" : undefined, one.database ? "database" : undefined];
          return [one.component, one.path, ...owner, ...content, ...kinds].map(field).join("");
        });
        expect(checksumOf(...(entries as readonly Entry[]))).toBe(`sha256:${hash("sha256", plainly.join(""))}`);
      }),
    );
  });

  it("has the hash over pages in the place of the other one, known or not, and says that a reader must know it", () => {
    const { sha256: _, ...rest } = { ...ENTRY, pages_sha256: "1".repeat(64) };
    expect(checksumOf(rest)).toBe(checksumOf({ ...ENTRY, pages_sha256: "1".repeat(64) }));
    const checksum = new EntryChecksum();
    checksum.add("m", ENTRY);
    expect(checksum.features).toEqual([]);
    checksum.add("m", rest);
    expect([checksum.features, checksum.copy().features]).toEqual([["pages_sha256"], ["pages_sha256"]]);
  });

  it("comes back to where a copy was taken", () => {
    const checksum = new EntryChecksum();
    checksum.add(ENTRY.component, ENTRY);
    const before = checksum.copy();
    checksum.add(ENTRY.component, ENTRY);
    expect(before.value()).toBe(checksumOf(ENTRY));
    expect(checksum.value()).toBe(checksumOf(ENTRY, ENTRY));
  });
});

describe("parseEntryLine()", () => {
  it("gives back what formatEntry() wrote, for any name that a file system can hold", () => {
    const name = fc
      .string({ unit: "grapheme", minLength: 1, maxLength: 60 })
      .filter(
        (text) =>
          !text.includes("/") &&
          !text.includes("\0") &&
          text !== "." &&
          text !== ".." &&
          text.isWellFormed() &&
          Buffer.byteLength(text) <= 255,
      );
    fc.assert(
      fc.property(fc.array(name, { minLength: 1, maxLength: 5 }), (names) => {
        const entry = { ...ENTRY, path: names.join("/") };
        expect(parseEntryLine(formatEntry(entry).slice(0, -1), 1)).toEqual(entry);
      }),
    );
  });

  const refused: readonly (readonly [Partial<Record<keyof Entry, unknown>>, string])[] = [
    [{ path: "/a" }, "ARCHIVE_HOSTILE"],
    [{ path: "a/../b" }, "ARCHIVE_HOSTILE"],
    [{ path: "./a" }, "ARCHIVE_HOSTILE"],
    [{ path: "a/" }, "ARCHIVE_HOSTILE"],
    [{ path: "" }, "ARCHIVE_HOSTILE"],
    [{ path: "a\0b" }, "ARCHIVE_HOSTILE"],
    [{ path: "n".repeat(256) }, "ARCHIVE_HOSTILE"],
    [{ path: "d/".repeat(2048) + "a" }, "ARCHIVE_HOSTILE"],
    [{ path: "\ud800" }, "ARCHIVE_HOSTILE"],
    [{ hard_link: "../a", sha256: undefined, size: 0 }, "ARCHIVE_HOSTILE"],
    [{ hard_link: ".", sha256: undefined, size: 0 }, "ARCHIVE_HOSTILE"],
    [{ type: "device" }, "BACKUP_DAMAGED"],
    [{ mode: 0o10000 }, "BACKUP_DAMAGED"],
    [{ uid: -1 }, "BACKUP_DAMAGED"],
    [{ gid: 2 ** 32 }, "BACKUP_DAMAGED"],
    [{ mtime_ns: "1.5" }, "BACKUP_DAMAGED"],
    [{ mtime_ns: 1 }, "BACKUP_DAMAGED"],
    [{ size: -1 }, "BACKUP_DAMAGED"],
    [{ sha256: "00" }, "BACKUP_DAMAGED"],
    [{ sha256: undefined }, "BACKUP_DAMAGED"],
    [{ target: "x" }, "BACKUP_DAMAGED"],
    [{ type: "symlink", sha256: undefined, size: 0 }, "BACKUP_DAMAGED"],
    [{ type: "directory", sha256: undefined }, "BACKUP_DAMAGED"],
    [{ component: "../m" }, "BACKUP_DAMAGED"],
    [{ sparse: 1 }, "BACKUP_DAMAGED"],
  ];
  it.each(refused)("refuses %j", (change, code) => {
    expect(() => parseEntryLine(JSON.stringify({ ...ENTRY, ...change }), 3)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining("ine 3") as string }),
    );
  });
});
