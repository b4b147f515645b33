import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { damageOf } from "../../../test/support/sample-pack.ts";
import { ByteWriter } from "../bytes/byte-writer.ts";
import type { PackId } from "../pack/locator.ts";
import { PACK_LIMIT } from "../pack/trailer.ts";
import { PackTable, type TableEntry } from "./pack-table.ts";

function hex(bytes: number): fc.Arbitrary<string> {
  return fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((array) => Buffer.from(array).toString("hex"));
}

const entry: fc.Arbitrary<TableEntry> = fc
  .record({ id: hex(8), name: hex(32), length: fc.nat(PACK_LIMIT), raw: fc.maxSafeNat(), part: fc.double({ min: 0, max: 1, noNaN: true }) })
  .map(({ id, name, length, raw, part }) => ({ id: id as PackId, name, length, raw, used: Math.floor(raw * part) }));

const entries: fc.Arbitrary<TableEntry[]> = fc.uniqueArray(entry, { selector: ({ id }) => id });

function sample(id: string, more: Partial<TableEntry> = {}): TableEntry {
  return { id: id as PackId, name: randomBytes(32).toString("hex"), length: 1000, raw: 3000, used: 2000, ...more };
}

/** Writes what encode() would, and refuses nothing. */
function encodeAny(list: readonly TableEntry[]): Buffer {
  const writer = new ByteWriter().varint(list.length);
  for (const { id, name, length, raw, used } of list)
    writer.bytes(Buffer.from(id, "hex")).bytes(Buffer.from(name, "hex")).varint(length).varint(raw).varint(used);
  return writer.toBytes();
}

const ONE = "0000000000000001";
const TWO = "0000000000000002";

describe("PackTable", () => {
  it("encode() and decode() give back any packs, in the order of their ids, and the same bytes for any order", () => {
    fc.assert(
      fc.property(entries, (list) => {
        const table = PackTable.of(list);
        const again = PackTable.decode(table.encode(), "x");
        expect(again.entries).toEqual(list.toSorted((one, other) => (one.id < other.id ? -1 : 1)));
        expect(PackTable.of(list.toReversed()).encode().equals(table.encode())).toBe(true);
        for (const one of list) expect(again.get(one.id)).toEqual(one);
        expect(again.get("ffffffffffffffff" as PackId)?.id).toBe(list.find(({ id }) => id === "ffffffffffffffff")?.id);
      }),
    );
  });

  it("encode() writes id, name and three varints, as the format document says", () => {
    const name = "ab".repeat(32);
    const bytes = PackTable.of([sample(TWO, { name, length: 1, raw: 300, used: 0 })]).encode();
    expect(bytes.toString("hex")).toBe(`01${TWO}${name}01ac0200`);
  });

  it("of() refuses two packs with one id, which no reader could tell apart", () => {
    expect(damageOf(() => PackTable.of([sample(ONE), sample(TWO), sample(ONE)]))).toMatchObject({
      code: "VAULT_DAMAGED",
      message: `Two packs have the id ${ONE}`,
    });
  });

  it.each<[string, Buffer, string]>([
    ["a pack twice", encodeAny([sample(ONE), sample(ONE)]), "it holds pack 0000000000000001 twice"],
    ["packs out of order", encodeAny([sample(TWO), sample(ONE)]), "its packs are not in order"],
    ["a pack longer than any", encodeAny([sample(ONE, { length: PACK_LIMIT + 1 })]), "cannot have"],
    ["more used than there is", encodeAny([sample(ONE, { raw: 10, used: 11 })]), "more is used than it holds"],
    ["a byte left over", Buffer.concat([encodeAny([sample(ONE)]), Buffer.of(0)]), "left over"],
    ["a count that does not fit", Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0x07]), "the count of packs is"],
    ["nothing", Buffer.alloc(0), "it ends within the count of packs"],
  ])("decode() refuses %s", (_, bytes, reason) => {
    const damage = damageOf(() => PackTable.decode(bytes, 'backup "x"'));
    expect(damage?.code).toBe("MANIFEST_INVALID");
    expect(damage?.message).toMatch(/^Cannot read the pack table of backup "x": /);
    expect(damage?.message).toContain(reason);
  });

  it("decode() refuses a table that is cut off anywhere", () => {
    const bytes = PackTable.of([sample(ONE), sample(TWO)]).encode();
    for (let length = 0; length < bytes.length; length++)
      expect(damageOf(() => PackTable.decode(bytes.subarray(0, length), "x"))?.code).toBe("MANIFEST_INVALID");
  });

  it("decode() gives a table that encodes to the same bytes, or damage, for any changes of one and for any bytes", () => {
    const bytes = PackTable.of([sample(ONE), sample(TWO), sample("00000000000000ff")]).encode();
    const changes = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
    const changed = changes.map((list) => {
      const copy = Buffer.from(bytes);
      for (const [position, value] of list) copy[position] = value;
      return copy;
    });
    fc.assert(
      fc.property(fc.oneof(changed, fc.uint8Array({ maxLength: 200 })), (hostile) => {
        damageOf(() => expect(PackTable.decode(hostile, "x").encode().equals(hostile)).toBe(true));
      }),
      { numRuns: 500 },
    );
  });
});
