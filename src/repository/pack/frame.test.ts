import { createDecipheriv, createSecretKey, randomBytes } from "node:crypto";
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compressible, damageOf } from "../../../test/support/sample-pack.ts";
import { InternalError } from "../../kernel/index.ts";
import { FRAME_LIMIT, openFrame, openPart, sealFrame, sealPart, verifyFrame, verifyPart } from "./frame.ts";
import { encrypt, SEAL_LENGTH, type Seal } from "./seal.ts";

const seal: Seal = { key: createSecretKey(randomBytes(32)), header: randomBytes(48), subject: "pack x", code: "BACKUP_DAMAGED" };

/** The format document, and nothing of our own. */
function openByTheBook(
  { key, header }: Seal,
  ordinal: number,
  sealed: Buffer,
): { readonly codec: number | undefined; readonly payload: Buffer } {
  const number = Buffer.alloc(4);
  number.writeUInt32LE(ordinal);
  const decipher = createDecipheriv("aes-256-gcm", key, Buffer.concat([number, Buffer.alloc(8)]));
  decipher.setAAD(Buffer.concat([header, number]));
  decipher.setAuthTag(sealed.subarray(-16));
  const clear = Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]);
  return { codec: clear[0], payload: clear.subarray(1) };
}

describe("sealFrame()", () => {
  it("compresses what gets smaller, as one zstd frame behind codec 1", () => {
    const raw = compressible(100_000);
    const sealed = sealFrame(seal, 3, raw);
    const { codec, payload } = openByTheBook(seal, 3, sealed);
    expect(sealed.length).toBeLessThan(raw.length / 10);
    expect(codec).toBe(1);
    expect(zstdDecompressSync(payload).equals(raw)).toBe(true);
  });

  it("keeps random bytes as they are behind codec 0", () => {
    const raw = randomBytes(100_000);
    const sealed = sealFrame(seal, 0xffff_fffe, raw);
    const { codec, payload } = openByTheBook(seal, 0xffff_fffe, sealed);
    expect(sealed.length).toBe(raw.length + SEAL_LENGTH);
    expect(codec).toBe(0);
    expect(payload.equals(raw)).toBe(true);
  });

  it("keeps as they are what compression makes only 2 % smaller", () => {
    const raw = Buffer.concat([randomBytes(98_000), Buffer.alloc(2000)]);
    expect(zstdCompressSync(raw).length).toBeLessThan(raw.length);
    expect(openByTheBook(seal, 0, sealFrame(seal, 0, raw)).codec).toBe(0);
    const smaller = Buffer.concat([randomBytes(95_000), Buffer.alloc(5000)]);
    expect(openByTheBook(seal, 0, sealFrame(seal, 0, smaller)).codec).toBe(1);
  });

  it("refuses a frame of nothing and one above 4 MiB", () => {
    expect(() => sealFrame(seal, 0, Buffer.alloc(0))).toThrow(InternalError);
    expect(() => sealFrame(seal, 0, Buffer.alloc(FRAME_LIMIT + 1))).toThrow(InternalError);
    expect(openFrame(seal, 0, sealFrame(seal, 0, Buffer.alloc(FRAME_LIMIT)), FRAME_LIMIT).length).toBe(FRAME_LIMIT);
  });

  it("uses the memory it is given when that is long enough, and its own otherwise", () => {
    const raw = randomBytes(100);
    const memory = Buffer.alloc(200);
    const sealed = sealFrame(seal, 0, raw, memory);
    expect(sealed.buffer).toBe(memory.buffer);
    expect(sealed.length).toBe(117);
    expect(sealFrame(seal, 0, raw, memory.subarray(0, 116)).equals(sealed)).toBe(true);
  });
});

describe("openFrame()", () => {
  it("gives back what sealFrame() sealed, for any bytes and ordinal", () => {
    const bytes = fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 300 }),
      fc.nat(3000).map((length) => compressible(length + 1)),
    );
    fc.assert(
      fc.property(bytes, fc.integer({ min: 0, max: 0xffff_ffff }), (raw, ordinal) => {
        const opened = openFrame(seal, ordinal, sealFrame(seal, ordinal, raw), raw.length);
        expect(opened.equals(raw)).toBe(true);
      }),
    );
  });

  it.each([
    ["compressed", compressible(300)],
    ["raw", randomBytes(60)],
  ])("finds every single changed bit of a %s frame, and every length that is not its own", (_, raw) => {
    const sealed = sealFrame(seal, 1, raw);
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const changed = Buffer.from(sealed);
      changed[bit >>> 3] = (changed[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
      expect(damageOf(() => openFrame(seal, 1, changed, raw.length))).toBeDefined();
    }
    for (let length = 0; length < sealed.length; length++)
      expect(damageOf(() => openFrame(seal, 1, sealed.subarray(0, length), raw.length))).toBeDefined();
    expect(damageOf(() => openFrame(seal, 1, Buffer.concat([sealed, Buffer.alloc(1)]), raw.length))).toBeDefined();
    for (const length of [-1, 0, 1, raw.length - 1, raw.length + 1, FRAME_LIMIT, FRAME_LIMIT + 1, 2 ** 53, 1.5])
      expect(damageOf(() => openFrame(seal, 1, sealed, length))).toBeDefined();
  });

  it("refuses a frame under another ordinal, another header or another key", () => {
    const raw = compressible(50);
    const sealed = sealFrame(seal, 1, raw);
    expect(damageOf(() => openFrame(seal, 2, sealed, 50))?.message).toBe("Cannot read pack x: its part 2 does not authenticate");
    expect(damageOf(() => openFrame({ ...seal, header: randomBytes(48) }, 1, sealed, 50))).toBeDefined();
    expect(damageOf(() => openFrame({ ...seal, key: createSecretKey(randomBytes(32)) }, 1, sealed, 50))).toBeDefined();
  });

  it("refuses what a holder of the key made wrong: another codec, no zstd, more or less than it says, a cut one", () => {
    const packed = zstdCompressSync(compressible(1000));
    const cases: readonly [codec: number, payload: Buffer][] = [
      [2, packed],
      [255, packed],
      [1, randomBytes(50)],
      [1, packed.subarray(0, -1)],
      [1, zstdCompressSync(compressible(1001))],
      [1, zstdCompressSync(compressible(999))],
      [1, zstdCompressSync(Buffer.alloc(30 * 1024 * 1024))],
      [1, Buffer.concat([packed, Buffer.from("x")])],
      [0, randomBytes(999)],
      [0, randomBytes(1001)],
    ];
    for (const [codec, payload] of cases)
      expect(damageOf(() => openFrame(seal, 0, encrypt(seal, 0, codec as 0 | 1, payload), 1000))?.code).toBe("BACKUP_DAMAGED");
    expect(openFrame(seal, 0, encrypt(seal, 0, 1, packed), 1000).equals(compressible(1000))).toBe(true);
  });
});

describe("openPart()", () => {
  it("gives back what sealPart() sealed, up to the limit and not a byte beyond", () => {
    const raw = Buffer.concat([compressible(5000), randomBytes(5000), Buffer.alloc(3_000_000)]);
    const sealed = sealPart(seal, 2, raw, raw.length);
    expect(openByTheBook(seal, 2, sealed).codec).toBe(1);
    expect(openPart(seal, 2, sealed, raw.length).equals(raw)).toBe(true);
    expect(damageOf(() => openPart(seal, 2, sealed, raw.length - 1))?.message).toContain("does not decompress");
    expect(() => sealPart(seal, 2, raw, raw.length - 1)).toThrow(InternalError);
  });

  it("gives back a small part as it was sealed, raw, up to the limit and not a byte beyond", () => {
    const raw = compressible(16 * 1024);
    const sealed = sealPart(seal, 2, raw, raw.length);
    const { codec, payload } = openByTheBook(seal, 2, sealed);
    expect(codec).toBe(0);
    expect(payload.equals(raw)).toBe(true);
    expect(openPart(seal, 2, sealed, raw.length).equals(raw)).toBe(true);
    expect(damageOf(() => openPart(seal, 2, sealed, raw.length - 1))?.message).toContain("holds 16384 bytes, and may hold 16383");
  });

  it("compresses from one byte above that on, where it gains something", () => {
    const raw = compressible(16 * 1024 + 1);
    expect(openByTheBook(seal, 2, sealPart(seal, 2, raw, raw.length)).codec).toBe(1);
    const random = randomBytes(20_000);
    const sealed = sealPart(seal, 2, random, random.length);
    expect(openByTheBook(seal, 2, sealed).codec).toBe(0);
    expect(openPart(seal, 2, sealed, random.length).equals(random)).toBe(true);
  });

  it("reads a small part that was compressed", () => {
    const packed = zstdCompressSync(Buffer.from("a manifest of before"));
    expect(openPart(seal, 0, encrypt(seal, 0, 1, packed), 100).toString()).toBe("a manifest of before");
  });

  it("refuses an empty part, and one of another codec", () => {
    expect(() => sealPart(seal, 0, Buffer.alloc(0), 100)).toThrow(InternalError);
    expect(damageOf(() => openPart(seal, 0, encrypt(seal, 0, 0, Buffer.alloc(0)), 100))?.message).toContain("is shorter than any");
    for (const codec of [2, 255])
      expect(damageOf(() => openPart(seal, 0, encrypt(seal, 0, codec as 0 | 1, Buffer.from("raw")), 100))?.message).toContain(
        `has the unknown codec ${codec}`,
      );
  });
});

describe("verifyFrame()", () => {
  it("is content with what was sealed, and refuses every other as a defect of this machine", () => {
    const raw = compressible(500);
    const sealed = sealFrame(seal, 4, raw);
    verifyFrame(seal, 4, sealed, raw);
    const other = Buffer.from(raw);
    other[250] = 0;
    expect(() => verifyFrame(seal, 4, sealed, other)).toThrow(InternalError);
    expect(() => verifyFrame(seal, 5, sealed, raw)).toThrow(InternalError);
    expect(() => verifyFrame(seal, 4, sealed, raw.subarray(1))).toThrow(InternalError);
  });
});

describe("verifyPart()", () => {
  it("is content with what was sealed, and refuses every other as a defect of this machine", () => {
    const raw = compressible(500);
    const sealed = sealPart(seal, 0, raw, 500);
    verifyPart(seal, 0, sealed, raw);
    expect(() => verifyPart(seal, 0, sealed, compressible(500, 1))).toThrow(InternalError);
    expect(() => verifyPart(seal, 0, sealed, compressible(501))).toThrow(InternalError);
  });
});
