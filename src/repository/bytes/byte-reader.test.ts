import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DamageError } from "../../kernel/index.ts";
import { ByteReader } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";

type Item =
  | { readonly kind: "u8" | "u16" | "u32" | "varint"; readonly value: number }
  | { readonly kind: "i64"; readonly value: bigint }
  | { readonly kind: "bytes"; readonly value: Uint8Array }
  | { readonly kind: "text"; readonly value: string };

const item: fc.Arbitrary<Item> = fc.oneof(
  fc.record({ kind: fc.constant("u8" as const), value: fc.nat(0xff) }),
  fc.record({ kind: fc.constant("u16" as const), value: fc.nat(0xffff) }),
  fc.record({ kind: fc.constant("u32" as const), value: fc.integer({ min: 0, max: 0xffff_ffff }) }),
  fc.record({ kind: fc.constant("varint" as const), value: fc.maxSafeNat() }),
  fc.record({ kind: fc.constant("i64" as const), value: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }) }),
  fc.record({ kind: fc.constant("bytes" as const), value: fc.uint8Array() }),
  fc.record({ kind: fc.constant("text" as const), value: fc.string({ unit: "binary" }) }),
);

function write(items: readonly Item[]): Buffer {
  const writer = new ByteWriter();
  for (const { kind, value } of items) {
    if (kind === "i64") writer.i64(value);
    else if (kind === "bytes") writer.bytes(value);
    else if (kind === "text") writer.text(value);
    else writer[kind](value);
  }
  return writer.toBytes();
}

function read(bytes: Uint8Array, items: readonly Item[]): readonly Item[] {
  const reader = new ByteReader(bytes, "a thing");
  const found = items.map(({ kind, value }): Item => {
    if (kind === "bytes") return { kind, value: Uint8Array.from(reader.bytes(value.length, "some bytes")) };
    if (kind === "text") return { kind, value: reader.text("a text") };
    if (kind === "i64") return { kind, value: reader.i64("a time") };
    return { kind, value: reader[kind]("a number") };
  });
  reader.end();
  return found;
}

/** The only thing that may come of hostile bytes. */
function damageOf(action: () => unknown): DamageError | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(DamageError);
    return error as DamageError;
  }
}

describe("ByteReader", () => {
  it("reads what ByteWriter wrote, in the same order", () => {
    fc.assert(
      fc.property(fc.array(item), (items) => {
        expect(read(write(items), items)).toEqual(items);
      }),
    );
  });

  it("refuses what is cut off anywhere with a DamageError, and what has a byte more", () => {
    fc.assert(
      fc.property(fc.array(item, { minLength: 1, maxLength: 6 }), (items) => {
        const bytes = write(items);
        for (let length = 0; length < bytes.length; length++) expect(damageOf(() => read(bytes.subarray(0, length), items))).toBeDefined();
        expect(damageOf(() => read(Buffer.concat([bytes, Buffer.of(0)]), items))?.message).toBe(
          "Cannot read a thing: 1 bytes are left over",
        );
      }),
    );
  });

  it("gives nothing but values or a DamageError for any bytes", () => {
    const outcome = fc.property(fc.uint8Array({ maxLength: 64 }), fc.array(item), (bytes, items) => {
      expect(damageOf(() => read(bytes, items))?.code ?? "read").toMatch(/^(read|BACKUP_DAMAGED)$/);
    });
    fc.assert(outcome, { numRuns: 500 });
  });

  it("says what it was reading, with the code it was given", () => {
    const reader = new ByteReader(Buffer.of(1), 'the pack table of "x"', "MANIFEST_INVALID");
    expect(damageOf(() => reader.u32("the count"))).toMatchObject({
      code: "MANIFEST_INVALID",
      message: 'Cannot read the pack table of "x": it ends within the count',
    });
    expect(reader.position).toBe(0);
  });

  it("reads a view of a larger buffer from its own beginning", () => {
    const reader = new ByteReader(Buffer.from([9, 9, 1, 2, 3]).subarray(2, 4), "a thing");
    expect([reader.left, reader.u8("x"), reader.u8("x"), reader.left]).toEqual([2, 1, 2, 0]);
    expect(damageOf(() => reader.u8("x"))).toBeDefined();
  });

  it("shares the memory of bytes() and does not copy it", () => {
    const bytes = Buffer.from([1, 2, 3]);
    const view = new ByteReader(bytes, "a thing").bytes(3, "all");
    bytes[0] = 7;
    expect(view[0]).toBe(7);
  });
});

describe("ByteReader.varint()", () => {
  const varint = (...bytes: number[]): number => new ByteReader(Buffer.from(bytes), "a thing").varint("a number");

  it("reads the largest, which has 8 bytes", () => {
    expect(varint(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f)).toBe(Number.MAX_SAFE_INTEGER);
    expect(varint(0xff, 0x01)).toBe(255);
  });

  it.each([
    [[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x10], "is too large"],
    [[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f], "is too large"],
    [[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01], "has more than 8 bytes"],
    [[0x80, 0x00], "is not in its shortest form"],
    [[0xff, 0x80, 0x00], "is not in its shortest form"],
    [[0x80], "it ends within a number"],
    [[], "it ends within a number"],
  ])("refuses %j: %s", (bytes, reason) => {
    expect(damageOf(() => varint(...bytes))?.message).toContain(reason);
  });
});

describe("ByteReader.count()", () => {
  it("refuses a count of things that the bytes left cannot hold, so that an array of it is safe", () => {
    const bytes = new ByteWriter().varint(3).bytes(Buffer.alloc(24)).toBytes();
    expect(new ByteReader(bytes, "a thing").count("the count", 8)).toBe(3);
    expect(damageOf(() => new ByteReader(bytes, "a thing").count("the count", 9))?.message).toContain(
      "the count is 3, and 24 bytes are left",
    );
    const huge = new ByteWriter().varint(Number.MAX_SAFE_INTEGER).toBytes();
    expect(damageOf(() => new ByteReader(huge, "a thing").count("the count", 1))).toBeDefined();
  });
});

describe("ByteReader.text()", () => {
  const text = (bytes: Buffer): string =>
    new ByteReader(new ByteWriter().varint(bytes.length).bytes(bytes).toBytes(), "a thing").text("a name");

  it.each(["", "plain", "Grüße 🌊", "\ufeffmark", "\ufffd", "a\ufffdb", "\0"])("keeps %j", (value) => {
    expect(text(Buffer.from(value))).toBe(value);
  });

  it.each([["ff"], ["c3"], ["c080"], ["eda080"], ["f4908080"], ["efbfbdff"]])("refuses %s, which is no UTF-8", (hex) => {
    expect(damageOf(() => text(Buffer.from(hex, "hex")))?.message).toBe("Cannot read a thing: a name is not UTF-8");
  });

  it("refuses a length beyond the end without allocating it", () => {
    const bytes = new ByteWriter().varint(Number.MAX_SAFE_INTEGER).u8(1).toBytes();
    expect(damageOf(() => new ByteReader(bytes, "a thing").text("a name"))).toBeDefined();
  });
});
