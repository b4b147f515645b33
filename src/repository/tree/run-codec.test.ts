import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { storedEntry } from "../../../test/support/arbitrary-tree.ts";
import { ByteWriter } from "../bytes/byte-writer.ts";
import type { Locator, PackId } from "../pack/locator.ts";
import { decodeRun, encodeRun } from "./run-codec.ts";
import type { EntryFacts, StoredContent, StoredEntry } from "./tree-entry.ts";

const PACK = "00000000000000aa" as PackId;
const PLACE: Locator = { pack: PACK, frame: 1, offset: 2, length: 3 };
const FILE: EntryFacts = { path: "a/b", type: "file", mode: 0o644, uid: 1, gid: 2, mtime_ns: "5", size: 3, sha256: "ab".repeat(32) };
const IN_PLACE: StoredEntry = { entry: FILE, content: { kind: "place", place: PLACE } };
const FOLDER: StoredEntry = {
  entry: { path: "a", type: "directory", mode: 0o755, uid: 1, gid: 2, mtime_ns: "-1", size: 0 },
  content: { kind: "none" },
};

function run(build: (writer: ByteWriter) => void): Buffer {
  const writer = new ByteWriter().u8(1).varint(1).varint(1).bytes(Buffer.from(PACK, "hex"));
  build(writer);
  return writer.toBytes();
}

/** An entry up to its size. */
function head(
  writer: ByteWriter,
  fields: { shared?: number; path?: string; flags: number; mode?: number; uid?: number; size?: number },
): ByteWriter {
  const { shared = 0, path = "a", flags, mode = 0, uid = 0, size = 0 } = fields;
  writer.varint(shared).text(path).u8(flags).varint(mode);
  if ((flags & 32) === 0) writer.varint(uid).varint(0).text("").text("");
  return writer.i64(0n).varint(size);
}

describe("decodeRun()", () => {
  it("gives back what encodeRun() was given, whatever the entries are", () => {
    fc.assert(
      fc.property(fc.array(storedEntry, { minLength: 1, maxLength: 64 }), (entries) => {
        const bytes = encodeRun(entries);
        expect(decodeRun(bytes)).toEqual(entries);
        expect(encodeRun(decodeRun(bytes)).equals(bytes)).toBe(true);
      }),
      { numRuns: 30 },
    );
  });

  it("reads the bytes that docs/repository-format.md describes", () => {
    const bytes = Buffer.concat([
      Buffer.from([1, 2, 1]),
      Buffer.from(PACK, "hex"),
      Buffer.from([0, 1, 0x61, 0x01, 0xed, 0x03, 1, 2, 0, 0]),
      Buffer.alloc(8, 0xff),
      Buffer.from([0]),
      Buffer.from([1, 2, 0x2f, 0x62, 0x60, 0xa4, 0x03, 5, 0, 0, 0, 0, 0, 0, 0, 3]),
      Buffer.alloc(32, 0xab),
      Buffer.from([0, 1, 2]),
    ]);
    expect(decodeRun(bytes)).toEqual([FOLDER, IN_PLACE]);
    expect(encodeRun([FOLDER, IN_PLACE]).equals(bytes)).toBe(true);
  });

  const refused: readonly (readonly [string, Buffer])[] = [
    ["a type that is none", run((writer) => head(writer, { flags: 3 }))],
    ["a mode of more than permission bits", run((writer) => head(writer, { flags: 1, mode: 0o10000 }))],
    ["an owner of more than 32 bits", run((writer) => head(writer, { flags: 1, uid: 2 ** 32 }))],
    ["a first entry with the owner of the one before", run((writer) => head(writer, { flags: 1 | 32 }))],
    ["a first path that shares a part", run((writer) => head(writer, { flags: 1, shared: 1 }))],
    ["a path above its limit", run((writer) => head(writer, { flags: 1, path: "n".repeat(4097) }))],
    ["a folder with a size", run((writer) => head(writer, { flags: 1, size: 1 }))],
    ["a folder with holes", run((writer) => head(writer, { flags: 1 | 8 }))],
    ["a folder that is a database", run((writer) => head(writer, { flags: 1 | 16 }))],
    ["a folder with another name", run((writer) => head(writer, { flags: 1 | 4 }).text("b"))],
    ["a link to nowhere", run((writer) => head(writer, { flags: 2 }).text(""))],
    ["another name with a size", run((writer) => head(writer, { flags: 4, size: 1 }).text("b"))],
    ["a file with a size and no content", run((writer) => head(writer, { flags: 0, size: 1 }).bytes(Buffer.alloc(32)))],
    ["an empty file with a place", run((writer) => head(writer, { flags: 64 }).bytes(Buffer.alloc(32)).bytes(Buffer.alloc(3)))],
    ["a place beyond its frame", run((w) => head(w, { flags: 64, size: 2 }).bytes(Buffer.alloc(32)).varint(0).varint(0).varint(4194303))],
    ["a pack that is not in the list", run((w) => head(w, { flags: 64, size: 2 }).bytes(Buffer.alloc(32)).varint(1).varint(0).varint(0))],
    ["a file in no chunks", run((writer) => head(writer, { flags: 128, size: 2 }).bytes(Buffer.alloc(32)).varint(0))],
    [
      "a database of pages of no size",
      run((w) => head(w, { flags: 0xd0, size: 7 }).bytes(Buffer.alloc(32)).varint(7).varint(1).bytes(Buffer.alloc(2))),
    ],
    ...[1, 511, 514, 1022, 65_538, 131_073].map((marked): readonly [string, Buffer] => [
      `a database of pages of ${marked} with their mark`,
      run((w) => head(w, { flags: 0xd0, size: marked }).bytes(Buffer.alloc(32)).varint(marked).varint(1).bytes(Buffer.alloc(2))),
    ]),
    ["more than was announced", run((writer) => head(writer, { flags: 1 }).u8(0))],
    ["a pack that is listed twice", new ByteWriter().u8(1).varint(1).varint(2).bytes(Buffer.alloc(16)).bytes(Buffer.alloc(20)).toBytes()],
    ["no entries", Buffer.from([1, 0, 0])],
    ["more entries than a run has", Buffer.concat([Buffer.from([1, 65, 0]), Buffer.alloc(2000)])],
    ["an object of another kind", Buffer.from([2, 1, 0])],
  ];
  it.each(refused)("refuses %s", (_, bytes) => {
    expect(() => decodeRun(bytes)).toThrow(expect.objectContaining({ code: "BACKUP_DAMAGED" }));
  });

  it("refuses a path that shares half a character", () => {
    const bytes = encodeRun([
      { ...FOLDER, entry: { ...FOLDER.entry, path: "ä" } },
      { ...FOLDER, entry: { ...FOLDER.entry, path: "äb" } },
    ]);
    const shared = bytes.lastIndexOf(Buffer.from([2, 1, 0x62]));
    bytes[shared] = 1;
    expect(() => decodeRun(bytes)).toThrow("shares half a character");
    bytes[shared] = 3;
    expect(() => decodeRun(bytes)).toThrow("shares more than");
  });

  it("says that a kind it does not know needs a newer version", () => {
    expect(() => decodeRun(Buffer.from([5, 1, 0]))).toThrow(expect.objectContaining({ code: "VERSION_UNSUPPORTED" }));
  });
});

describe("encodeRun()", () => {
  const none: StoredContent = { kind: "none" };
  const { sha256: _, ...unchecked } = FILE;
  const refused: readonly (readonly [string, StoredEntry])[] = [
    ["time outside of 64 bits", { ...FOLDER, entry: { ...FOLDER.entry, mtime_ns: (2n ** 63n).toString() } }],
    ["path that is no Unicode", { ...FOLDER, entry: { ...FOLDER.entry, path: "\ud800" } }],
    ["path above its limit", { ...FOLDER, entry: { ...FOLDER.entry, path: "ä".repeat(2049) } }],
    ["file without a checksum", { ...IN_PLACE, entry: unchecked }],
    ["file without its content", { entry: FILE, content: none }],
    ["file in a place of another length", { entry: { ...FILE, size: 4 }, content: IN_PLACE.content }],
    ["folder with a target", { ...FOLDER, entry: { ...FOLDER.entry, target: "x" } }],
    ["owner without a name", { ...FOLDER, entry: { ...FOLDER.entry, user: "" } }],
    ["two checksums", { ...IN_PLACE, entry: { ...FILE, pages_sha256: "0".repeat(64) } }],
    ["hash over pages of what lies in one place", { ...IN_PLACE, entry: { ...unchecked, pages_sha256: "0".repeat(64) } }],
    ["checksum of another length", { ...IN_PLACE, entry: { ...FILE, sha256: "ab" } }],
  ];
  it.each(refused)("refuses a %s, which would not read back", (_name, entry) => {
    expect(() => encodeRun([entry])).toThrow(expect.objectContaining({ code: "INTERNAL" }));
  });

  it("refuses more entries than a run has, and none", () => {
    expect(() => encodeRun(Array.from({ length: 65 }, () => FOLDER))).toThrow("65 entries");
    expect(() => encodeRun([])).toThrow("0 entries");
  });
});
