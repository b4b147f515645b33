import { execFileSync } from "node:child_process";
import { randomBytes, randomInt } from "node:crypto";
import { copyFileSync, mkdirSync, readFileSync, renameSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compressible, damageOf, KEYS, plantPack, writePack } from "../../../test/support/sample-pack.ts";
import { temporaryFolder } from "../../../test/support/temporary-folder.ts";
import { HoldfastError } from "../../kernel/index.ts";
import { vaultKeys } from "../keys/epoch-key.ts";
import { checkPack } from "./check-pack.ts";
import { packPath, type PackPlace } from "./pack-place.ts";
import { openPack } from "./pack-reader.ts";
import { PACK_LIMIT } from "./trailer.ts";

/** Everything that a pack holds, read in both ways. */
function readAll(folder: string, place: PackPlace): readonly Buffer[] {
  using reader = openPack(folder, place, KEYS);
  const found = Array.from(reader.sealedFrames(), (frame) => reader.open(frame));
  for (const [ordinal, raw] of found.entries()) expect(reader.readFrame(ordinal).equals(raw)).toBe(true);
  return found;
}

describe("openPack()", () => {
  it("reads back any frames of both kinds, in any order and in one go", () => {
    using folder = temporaryFolder();
    const raw = fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 400 }),
      fc.nat(4000).map((length) => compressible(length + 1)),
    );
    const frame = fc.record({ raw, kind: fc.constantFrom("data" as const, "meta" as const) });
    fc.assert(
      fc.property(fc.array(frame, { minLength: 1, maxLength: 12 }), (frames) => {
        const pack = writePack(folder.path, frames);
        expect(readAll(folder.path, pack).map((bytes) => bytes.toString("hex"))).toEqual(
          frames.map((one) => Buffer.from(one.raw).toString("hex")),
        );
        using reader = openPack(folder.path, pack, KEYS);
        expect(reader.frames.map(({ kind }) => kind)).toEqual(frames.map(({ kind }) => kind));
        for (const ordinal of frames.keys().toArray().toReversed())
          expect(reader.readFrame(ordinal).equals(frames[ordinal]!.raw)).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  it("reads a directory that is longer than what is read of the end at once", () => {
    using folder = temporaryFolder();
    const frames = Array.from({ length: 1500 }, () => ({ raw: randomBytes(randomInt(1, 300)) }));
    const pack = writePack(folder.path, frames);
    const bytes = readFileSync(packPath(folder.path, pack.name));
    expect(bytes.readUInt32LE(bytes.length - 8)).toBeGreaterThan(1024);
    expect(readAll(folder.path, pack).every((raw, index) => raw.equals(frames[index]!.raw))).toBe(true);
  });

  it("reads a pack of an earlier epoch with the keys of that", () => {
    using folder = temporaryFolder();
    const pack = writePack(folder.path, [{ raw: compressible(9) }], { epoch: 1, master: Buffer.alloc(32, 6) });
    expect(readAll(folder.path, pack)).toEqual([compressible(9)]);
  });

  it("refuses keys that do not reach the epoch, and those of another vault", () => {
    using folder = temporaryFolder();
    const pack = writePack(folder.path, [{ raw: compressible(9) }]);
    const openedBy = { kind: "none", id: "0123456789abcdef", label: "not encrypted", epoch: 1 } as const;
    const older = vaultKeys([], { newest: { epoch: 1, master: Buffer.alloc(32, 6) }, present: 2, openedBy });
    expect(() => openPack(folder.path, pack, older)).toThrow(expect.objectContaining({ code: "KEY_WRONG" }));
    const alone = vaultKeys([], { newest: { epoch: 1, master: Buffer.alloc(32, 6) }, present: 1, openedBy });
    expect(damageOf(() => openPack(folder.path, pack, alone))).toMatchObject({
      code: "BACKUP_DAMAGED",
      hint: expect.stringContaining("keys/2.json") as string,
    });
    const foreign = vaultKeys([], { newest: { epoch: 2, master: randomBytes(32) }, present: 2, openedBy });
    expect(damageOf(() => openPack(folder.path, pack, foreign))?.message).toContain("its directory does not authenticate");
  });

  it("finds every changed byte of a pack: without a key by its name, and with a key under any name", () => {
    using folder = temporaryFolder();
    const pack = writePack(folder.path, [{ raw: compressible(80) }, { raw: randomBytes(12), kind: "meta" }]);
    const path = packPath(folder.path, pack.name);
    const bytes = readFileSync(path);
    for (let position = 0; position < bytes.length; position++) {
      const changed = Buffer.from(bytes);
      changed[position] = (bytes[position] ?? 0) ^ (1 << (position % 8));
      writeFileSync(path, changed);
      expect(checkPack(folder.path, pack)).toBe("damaged");
      expect(
        damageOf(() => readAll(folder.path, pack)),
        `byte ${position}`,
      ).toMatchObject({ code: "BACKUP_DAMAGED" });
      const planted = plantPack(folder.path, changed, pack);
      // Byte 7 is the version: a pack that is whole and says that it is newer is believed.
      if (position !== 7)
        expect(
          damageOf(() => readAll(folder.path, planted)),
          `byte ${position}`,
        ).toBeDefined();
      unlinkSync(packPath(folder.path, planted.name));
    }
    writeFileSync(path, bytes);
    expect(checkPack(folder.path, pack)).toBe("whole");
    expect(readAll(folder.path, pack)).toHaveLength(2);
  });

  it("finds a pack cut off at any length, or longer by a byte", () => {
    using folder = temporaryFolder();
    const pack = writePack(folder.path, [{ raw: compressible(80) }, { raw: randomBytes(12) }]);
    const path = packPath(folder.path, pack.name);
    const bytes = readFileSync(path);
    for (const changed of [...bytes.keys().map((length) => bytes.subarray(0, length)), Buffer.concat([bytes, Buffer.of(0)])]) {
      writeFileSync(path, changed);
      expect(checkPack(folder.path, pack)).toBe("damaged");
      expect(damageOf(() => openPack(folder.path, pack, KEYS))?.message).toContain(pack.name);
      const planted = plantPack(folder.path, changed, pack);
      expect(
        damageOf(() => openPack(folder.path, planted, KEYS)),
        `length ${changed.length}`,
      ).toBeDefined();
      unlinkSync(packPath(folder.path, planted.name));
    }
  });

  it("gives the true bytes or damage for any number of changes anywhere", () => {
    using folder = temporaryFolder();
    const pack = writePack(folder.path, [{ raw: compressible(80) }, { raw: randomBytes(12) }]);
    const bytes = readFileSync(packPath(folder.path, pack.name));
    const position = fc.nat(bytes.length - 1);
    const change = fc.oneof(
      fc.record({ kind: fc.constant("set" as const), at: position, value: fc.nat(255) }),
      fc.record({ kind: fc.constant("cut" as const), at: position, value: fc.nat(60) }),
      fc.record({ kind: fc.constant("insert" as const), at: position, value: fc.nat(255) }),
      fc.record({ kind: fc.constant("end" as const), at: fc.nat(12), value: fc.nat(255) }),
    );
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        let changed = Buffer.from(bytes);
        for (const { kind, at, value } of changes) {
          if (kind === "cut") changed = Buffer.concat([changed.subarray(0, at), changed.subarray(at + value)]);
          else if (kind === "insert") changed = Buffer.concat([changed.subarray(0, at), Buffer.of(value), changed.subarray(at)]);
          else if (changed.length > at) changed[kind === "end" ? changed.length - 1 - at : at] = value;
        }
        const planted = plantPack(folder.path, changed, pack);
        try {
          const found = readAll(folder.path, planted);
          expect(changed.equals(bytes)).toBe(true);
          expect(found).toHaveLength(2);
        } catch (error) {
          expect(error).toBeInstanceOf(HoldfastError);
          expect((error as HoldfastError).code).toMatch(/^(BACKUP_DAMAGED|VERSION_UNSUPPORTED)$/);
        } finally {
          if (planted.name !== pack.name) unlinkSync(packPath(folder.path, planted.name));
        }
      }),
      { numRuns: 300 },
    );
  });

  it("refuses two frames that changed places, under the name they then have", () => {
    using folder = temporaryFolder();
    const pack = writePack(folder.path, [{ raw: randomBytes(40) }, { raw: randomBytes(40) }]);
    const bytes = readFileSync(packPath(folder.path, pack.name));
    const [first, second] = [bytes.subarray(48, 48 + 57), bytes.subarray(48 + 57, 48 + 114)];
    const planted = plantPack(folder.path, Buffer.concat([bytes.subarray(0, 48), second, first, bytes.subarray(48 + 114)]), pack);
    expect(checkPack(folder.path, planted)).toBe("whole");
    using reader = openPack(folder.path, planted, KEYS);
    expect(damageOf(() => reader.readFrame(0))?.message).toContain("part 0 does not authenticate");
    expect(damageOf(() => reader.readFrame(1))?.message).toContain("part 1 does not authenticate");
  });

  it("refuses two packs that changed names, and a frame that was moved from one to the other", () => {
    using folder = temporaryFolder();
    const [one, other] = [writePack(folder.path, [{ raw: randomBytes(40) }]), writePack(folder.path, [{ raw: randomBytes(40) }])];
    const [a, b] = [packPath(folder.path, one.name), packPath(folder.path, other.name)];
    const [bytes, foreign] = [readFileSync(a), readFileSync(b)];
    const planted = plantPack(folder.path, Buffer.concat([bytes.subarray(0, 48), foreign.subarray(48, 105), bytes.subarray(105)]), one);
    using reader = openPack(folder.path, planted, KEYS);
    expect(damageOf(() => reader.readFrame(0))).toBeDefined();
    copyFileSync(a, `${a}.kept`);
    renameSync(b, a);
    renameSync(`${a}.kept`, b);
    for (const pack of [one, other]) {
      expect(checkPack(folder.path, pack)).toBe("damaged");
      expect(damageOf(() => openPack(folder.path, pack, KEYS))?.message).toContain("its id is");
    }
  });

  it("names a pack that is missing, a link, a folder or a pipe, and does not wait for one", () => {
    using folder = temporaryFolder();
    const pack = writePack(folder.path, [{ raw: compressible(9) }]);
    const path = packPath(folder.path, pack.name);
    const refusal = (): string | undefined => damageOf(() => openPack(folder.path, pack, KEYS))?.message;
    renameSync(path, folder.join("elsewhere"));
    expect(refusal()).toBe(`Cannot read pack "${pack.name}" (${pack.id}): "${path}" is missing`);
    expect(checkPack(folder.path, pack)).toBe("missing");
    symlinkSync(folder.join("elsewhere"), path);
    expect([refusal()?.endsWith("is a link"), checkPack(folder.path, pack)]).toEqual([true, "damaged"]);
    unlinkSync(path);
    execFileSync("mkfifo", [path]);
    expect([refusal()?.endsWith("is no plain file"), checkPack(folder.path, pack)]).toEqual([true, "damaged"]);
    unlinkSync(path);
    mkdirSync(path);
    expect([refusal()?.endsWith("is no plain file"), checkPack(folder.path, pack)]).toEqual([true, "damaged"]);
  });

  it("says that a whole pack is of a newer version, and that a damaged one is damaged", () => {
    using folder = temporaryFolder();
    const pack = writePack(folder.path, [{ raw: compressible(9) }]);
    const path = packPath(folder.path, pack.name);
    const bytes = readFileSync(path);
    bytes[7] = "2".charCodeAt(0);
    writeFileSync(path, bytes);
    expect(damageOf(() => openPack(folder.path, pack, KEYS))).toMatchObject({ code: "BACKUP_DAMAGED" });
    expect(() => openPack(folder.path, plantPack(folder.path, bytes, pack), KEYS)).toThrow(
      expect.objectContaining({ code: "VERSION_UNSUPPORTED" }),
    );
  });

  it("refuses a length above that of any pack before it reads one", () => {
    using folder = temporaryFolder();
    const pack = writePack(folder.path, [{ raw: compressible(9) }]);
    execFileSync("truncate", ["-s", String(PACK_LIMIT + 1), packPath(folder.path, pack.name)]);
    expect(damageOf(() => openPack(folder.path, { ...pack, length: PACK_LIMIT + 1 }, KEYS))?.message).toContain("no pack has");
    expect(checkPack(folder.path, pack)).toBe("damaged");
  });
});

describe("PackReader", () => {
  it("readFrame() reads the file only where the frame lies", () => {
    using folder = temporaryFolder();
    const pack = writePack(folder.path, [{ raw: randomBytes(40) }, { raw: randomBytes(2000) }, { raw: randomBytes(40) }]);
    using reader = openPack(folder.path, pack, KEYS);
    const path = packPath(folder.path, pack.name);
    const bytes = readFileSync(path);
    bytes.fill(0, 0, 48 + 57);
    bytes.fill(0, 48 + 57 + 2017);
    writeFileSync(path, bytes);
    expect(reader.readFrame(1)).toHaveLength(2000);
    expect(damageOf(() => reader.readFrame(0))).toBeDefined();
    expect(damageOf(() => reader.readFrame(2))).toBeDefined();
  });

  it.each([-1, 2, 0.5, 2 ** 53, 0xffff_ffff])("readFrame() refuses the ordinal %d, which is not there", (ordinal) => {
    using folder = temporaryFolder();
    using reader = openPack(folder.path, writePack(folder.path, [{ raw: randomBytes(4) }, { raw: randomBytes(4) }]), KEYS);
    expect(damageOf(() => reader.readFrame(ordinal))?.message).toContain("is asked for, and it has 2");
  });

  it("sealedFrames() proves the name when the last frame was taken, also of bytes that no frame holds", () => {
    using folder = temporaryFolder();
    const pack = writePack(folder.path, [{ raw: randomBytes(40) }, { raw: randomBytes(40) }]);
    const path = packPath(folder.path, pack.name);
    using reader = openPack(folder.path, pack, KEYS);
    const bytes = readFileSync(path);
    bytes[bytes.length - 1] = 0;
    writeFileSync(path, bytes);
    const taken: number[] = [];
    expect(
      damageOf(() => {
        for (const { ordinal } of reader.sealedFrames()) taken.push(ordinal);
      })?.message,
    ).toContain("its bytes are not those it is named after");
    expect(taken).toEqual([0, 1]);
  });

  it("says that a pack which was cut off after it was opened is damaged", () => {
    using folder = temporaryFolder();
    const pack = writePack(folder.path, [{ raw: randomBytes(40) }]);
    using reader = openPack(folder.path, pack, KEYS);
    writeFileSync(packPath(folder.path, pack.name), Buffer.alloc(60));
    expect(damageOf(() => reader.readFrame(0))?.message).toContain("it is cut off");
    expect(damageOf(() => [...reader.sealedFrames()])?.message).toContain("it is cut off");
  });
});
