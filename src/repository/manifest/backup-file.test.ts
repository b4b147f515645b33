import { execFileSync } from "node:child_process";
import { createDecipheriv, hkdfSync, randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, statSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { zstdDecompressSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mountTmpfs } from "../../../test/support/mount-tmpfs.ts";
import { compressible, damageOf, EPOCH_KEY, KEYS } from "../../../test/support/sample-pack.ts";
import { temporaryFolder } from "../../../test/support/temporary-folder.ts";
import { HoldfastError, InternalError } from "../../kernel/index.ts";
import { manifestKey } from "../keys/derive.ts";
import { vaultKeys } from "../keys/epoch-key.ts";
import { sealPart } from "../pack/frame.ts";
import { makeHeader } from "../pack/header.ts";
import type { PackId } from "../pack/locator.ts";
import type { Seal } from "../pack/seal.ts";
import { readBackupFile, writeBackupFile, type BackupSections } from "./backup-file.ts";
import { PackTable } from "./pack-table.ts";
import { SECTION_LIMIT, SECTIONS } from "./sections.ts";

function sample(packs = 2): BackupSections {
  return {
    manifest: Buffer.from(JSON.stringify({ version: "1", note: "Grüße" })),
    packs: PackTable.of(
      Array.from({ length: packs }, (_, index) => ({
        id: index.toString(16).padStart(16, "0") as PackId,
        name: randomBytes(32).toString("hex"),
        length: 1000 + index,
        raw: 3000,
        used: 2000,
      })),
    ),
    roots: compressible(60),
  };
}

interface Plain {
  readonly manifest: string;
  readonly packs: readonly unknown[];
  readonly roots: string;
}

function plain({ manifest, packs, roots }: BackupSections): Plain {
  return { manifest: Buffer.from(manifest).toString("hex"), packs: packs.entries, roots: Buffer.from(roots).toString("hex") };
}

function readPlain(path: string): Plain {
  return plain(readBackupFile(path, KEYS, SECTIONS));
}

/** A backup file put together by hand, by somebody who has the key. */
function forge(path: string, raw: readonly Buffer[], tail: Buffer = Buffer.alloc(0)): void {
  const header = makeHeader("HOLDFBK", EPOCH_KEY.epoch, randomBytes(32));
  const seal: Seal = { key: manifestKey(EPOCH_KEY.master, header.salt), header: header.bytes, subject: "forged", code: "MANIFEST_INVALID" };
  const parts = raw.flatMap((bytes, ordinal) => {
    const sealed = sealPart(seal, ordinal, bytes, 2 ** 30);
    const prefix = Buffer.alloc(4);
    prefix.writeUInt32LE(sealed.length);
    return [prefix, sealed];
  });
  writeFileSync(path, Buffer.concat([header.bytes, ...parts, tail]));
}

describe("writeBackupFile()", () => {
  it("creates one private file, which the format document alone suffices to read", () => {
    using folder = temporaryFolder();
    const sections = { ...sample(), roots: Buffer.alloc(20_000, "roots") };
    writeBackupFile(folder.join("a"), EPOCH_KEY, sections);
    expect(readdirSync(folder.path)).toEqual(["a"]);
    expect(statSync(folder.join("a")).mode & 0o777).toBe(0o600);
    const bytes = readFileSync(folder.join("a"));
    expect(bytes.toString("latin1", 0, 8)).toBe("HOLDFBK1");
    expect(bytes.readBigUInt64LE(8)).toBe(2n);
    const key = Buffer.from(hkdfSync("sha256", EPOCH_KEY.master, bytes.subarray(16, 48), "holdfast manifest", 32));
    const found: Buffer[] = [];
    const codecs: unknown[] = [];
    for (let position = 48; position < bytes.length;) {
      const length = bytes.readUInt32LE(position);
      const sealed = bytes.subarray(position + 4, position + 4 + length);
      const ordinal = Buffer.from([found.length, 0, 0, 0]);
      const decipher = createDecipheriv("aes-256-gcm", key, Buffer.concat([ordinal, Buffer.alloc(8)]));
      decipher.setAAD(Buffer.concat([bytes.subarray(0, 48), ordinal]));
      decipher.setAuthTag(sealed.subarray(-16));
      const clear = Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]);
      codecs.push(clear[0]);
      found.push(clear[0] === 0 ? clear.subarray(1) : zstdDecompressSync(clear.subarray(1)));
      position += 4 + length;
    }
    expect(found).toEqual([sections.manifest, sections.packs.encode(), sections.roots]);
    expect(codecs).toEqual([0, 0, 1]);
  });

  it("does not write over a file that is there, nor through a link", () => {
    using folder = temporaryFolder();
    writeFileSync(folder.join("a"), "kept");
    symlinkSync("nowhere", folder.join("b"));
    for (const name of ["a", "b"])
      expect(() => writeBackupFile(folder.join(name), EPOCH_KEY, sample())).toThrow(expect.objectContaining({ code: "FILE_EXISTS" }));
    expect(readFileSync(folder.join("a"), "utf8")).toBe("kept");
    expect(readdirSync(folder.path)).toEqual(["a", "b"]);
  });

  it("leaves nothing when the disk is full, or when a section is empty or too large", (context) => {
    using disk = mountTmpfs(128 * 1024, context);
    const path = `${disk.path}/a`;
    const large = { ...sample(), roots: randomBytes(300_000) };
    expect(() => writeBackupFile(path, EPOCH_KEY, large)).toThrow(expect.objectContaining({ code: "NO_SPACE" }));
    expect(() => writeBackupFile(path, EPOCH_KEY, { ...sample(), roots: Buffer.alloc(0) })).toThrow(InternalError);
    expect(() => writeBackupFile(path, EPOCH_KEY, { ...sample(), manifest: Buffer.alloc(SECTION_LIMIT + 1) })).toThrow(InternalError);
    expect(readdirSync(disk.path)).toEqual([]);
  });
});

describe("readBackupFile()", () => {
  it("gives back any sections, and of them those that are asked for", () => {
    using folder = temporaryFolder();
    const bytes = fc.oneof(
      fc.uint8Array({ minLength: 1 }),
      fc.nat(100_000).map((length) => compressible(length + 1)),
    );
    let count = 0;
    fc.assert(
      fc.property(bytes, bytes, fc.nat(20), fc.subarray([...SECTIONS]), (manifest, roots, packs, wanted) => {
        const sections = { ...sample(packs), manifest, roots };
        const path = folder.join(String(count++));
        writeBackupFile(path, EPOCH_KEY, sections);
        expect(readPlain(path)).toEqual(plain(sections));
        const read = readBackupFile(path, KEYS, wanted);
        expect(Object.keys(read).toSorted()).toEqual([...wanted, "epoch"].toSorted());
        expect(read.epoch).toBe(2);
      }),
      { numRuns: 30 },
    );
  });

  it("reads sections that are longer than what is read of the beginning at once", () => {
    using folder = temporaryFolder();
    const sections = { manifest: randomBytes(100_000), packs: sample(2000).packs, roots: randomBytes(100_000) };
    writeBackupFile(folder.join("a"), EPOCH_KEY, sections);
    expect(readPlain(folder.join("a"))).toEqual(plain(sections));
    expect(readBackupFile(folder.join("a"), KEYS, ["packs"]).packs.entries).toHaveLength(2000);
  });

  it("decodes no section that is not asked for", () => {
    using folder = temporaryFolder();
    const raw = [Buffer.from("{}"), Buffer.of(0xff), Buffer.from("roots")];
    forge(folder.join("a"), raw);
    expect(Buffer.from(readBackupFile(folder.join("a"), KEYS, ["manifest"]).manifest)).toEqual(raw[0]);
    expect(damageOf(() => readBackupFile(folder.join("a"), KEYS, ["packs"]))?.message).toContain("the pack table of");
  });

  it("finds every changed byte", () => {
    using folder = temporaryFolder();
    const path = folder.join("a");
    writeBackupFile(path, EPOCH_KEY, sample());
    const bytes = readFileSync(path);
    for (let position = 0; position < bytes.length; position++) {
      const changed = Buffer.from(bytes);
      // The version made another digit would say that it is newer: see the test of that.
      changed[position] = (bytes[position] ?? 0) ^ (position === 7 ? 0x40 : 1 << (position % 8));
      writeFileSync(path, changed);
      expect(
        damageOf(() => readPlain(path)),
        `byte ${position}`,
      ).toMatchObject({ code: "MANIFEST_INVALID" });
    }
  });

  it("finds a file cut off at any length, or longer by a byte, whatever section is asked for", () => {
    using folder = temporaryFolder();
    const path = folder.join("a");
    writeBackupFile(path, EPOCH_KEY, sample());
    const bytes = readFileSync(path);
    for (const changed of [...bytes.keys().map((length) => bytes.subarray(0, length)), Buffer.concat([bytes, Buffer.of(0)])]) {
      writeFileSync(path, changed);
      expect(
        damageOf(() => readBackupFile(path, KEYS, ["manifest"])),
        `length ${changed.length}`,
      ).toMatchObject({ code: "MANIFEST_INVALID" });
    }
  });

  it("gives the true sections or a named refusal for any number of changes anywhere", () => {
    using folder = temporaryFolder();
    const path = folder.join("a");
    const sections = sample();
    writeBackupFile(path, EPOCH_KEY, sections);
    const bytes = readFileSync(path);
    const change = fc.record({ kind: fc.constantFrom("set", "cut", "insert"), at: fc.nat(bytes.length - 1), value: fc.nat(255) });
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        let changed = Buffer.from(bytes);
        for (const { kind, at, value } of changes) {
          if (kind === "cut") changed = Buffer.concat([changed.subarray(0, at), changed.subarray(at + value)]);
          else if (kind === "insert") changed = Buffer.concat([changed.subarray(0, at), Buffer.of(value), changed.subarray(at)]);
          else if (at < changed.length) changed[at] = value;
        }
        writeFileSync(path, changed);
        try {
          expect(readPlain(path)).toEqual(plain(sections));
          expect(changed.equals(bytes)).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(HoldfastError);
          expect((error as HoldfastError).code).toMatch(/^(MANIFEST_INVALID|VERSION_UNSUPPORTED)$/);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("refuses a section that changed its place, or came from another backup file", () => {
    using folder = temporaryFolder();
    const same = { ...sample(0), manifest: compressible(60), roots: compressible(60) };
    for (const name of ["a", "b"]) writeBackupFile(folder.join(name), EPOCH_KEY, same);
    const [bytes, foreign] = [readFileSync(folder.join("a")), readFileSync(folder.join("b"))];
    expect(bytes.length).toBe(foreign.length);
    const length = 4 + bytes.readUInt32LE(48);
    const [head, first, middle, last] = [
      bytes.subarray(0, 48),
      bytes.subarray(48, 48 + length),
      bytes.subarray(48 + length, -length),
      bytes.subarray(-length),
    ];
    writeFileSync(folder.join("a"), Buffer.concat([head, last, middle, first]));
    expect(damageOf(() => readBackupFile(folder.join("a"), KEYS, ["manifest"]))?.message).toContain("part 0 does not authenticate");
    writeFileSync(folder.join("a"), Buffer.concat([head, first, middle, foreign.subarray(-length)]));
    expect(damageOf(() => readBackupFile(folder.join("a"), KEYS, ["roots"]))?.message).toContain("part 2 does not authenticate");
    expect(readBackupFile(folder.join("a"), KEYS, ["manifest"]).manifest).toEqual(compressible(60));
  });

  it("refuses an authentic section of more than 64 MiB, two sections, and four", () => {
    using folder = temporaryFolder();
    const table = PackTable.of([]).encode();
    forge(folder.join("a"), [Buffer.alloc(SECTION_LIMIT + 1), table, Buffer.of(0)]);
    expect(damageOf(() => readBackupFile(folder.join("a"), KEYS, ["manifest"]))?.message).toContain("does not decompress");
    forge(folder.join("b"), [Buffer.of(0), table]);
    expect(damageOf(() => readBackupFile(folder.join("b"), KEYS, ["manifest"]))?.message).toContain('it ends before its section "roots"');
    forge(folder.join("c"), [Buffer.of(0), table, Buffer.of(0), Buffer.of(0)]);
    expect(damageOf(() => readBackupFile(folder.join("c"), KEYS, ["manifest"]))?.message).toContain("bytes in place of");
    forge(folder.join("d"), [Buffer.of(0), table, Buffer.of(0)]);
    expect(readBackupFile(folder.join("d"), KEYS, SECTIONS).packs.entries).toEqual([]);
  });

  it.each([0, 17, SECTION_LIMIT * 2, 0xffff_ffff])("refuses a section that says it has %d bytes, and allocates none of them", (length) => {
    using folder = temporaryFolder();
    const path = folder.join("a");
    writeBackupFile(path, EPOCH_KEY, sample());
    const bytes = readFileSync(path);
    bytes.writeUInt32LE(length, 48);
    writeFileSync(path, bytes);
    expect(damageOf(() => readBackupFile(path, KEYS, ["roots"]))?.message).toContain(`its section "manifest" cannot have ${length} bytes`);
  });

  it("refuses what is no plain file, and does not wait for a pipe", () => {
    using folder = temporaryFolder();
    const path = folder.join("a");
    const refusal = (): string | undefined => damageOf(() => readBackupFile(path, KEYS, ["manifest"]))?.message;
    expect(refusal()).toBe(`Cannot read backup file "${path}": "${path}" is missing`);
    writeBackupFile(path, EPOCH_KEY, sample());
    renameSync(path, folder.join("b"));
    symlinkSync("b", path);
    expect(refusal()).toContain("is a link");
    unlinkSync(path);
    execFileSync("mkfifo", [path]);
    expect(refusal()).toContain("is no plain file");
    unlinkSync(path);
    mkdirSync(path);
    expect(refusal()).toContain("is no plain file");
  });

  it("tells a newer version from damage, and keys that do not reach the epoch from both", () => {
    using folder = temporaryFolder();
    const path = folder.join("a");
    writeBackupFile(path, EPOCH_KEY, sample());
    const openedBy = { kind: "none", id: "0123456789abcdef", label: "not encrypted", epoch: 1 } as const;
    const older = vaultKeys([], { newest: { epoch: 1, master: randomBytes(32) }, present: 2, openedBy });
    expect(() => readBackupFile(path, older, ["manifest"])).toThrow(expect.objectContaining({ code: "KEY_WRONG" }));
    const foreign = vaultKeys([], { newest: { epoch: 2, master: randomBytes(32) }, present: 2, openedBy });
    expect(damageOf(() => readBackupFile(path, foreign, ["manifest"]))?.code).toBe("MANIFEST_INVALID");
    const bytes = readFileSync(path);
    bytes[7] = "2".charCodeAt(0);
    writeFileSync(path, bytes);
    expect(() => readBackupFile(path, KEYS, ["manifest"])).toThrow(
      expect.objectContaining({
        code: "VERSION_UNSUPPORTED",
        message: `Cannot read backup file "${path}": its format is 2, and this version reads 1`,
      }),
    );
  });
});
