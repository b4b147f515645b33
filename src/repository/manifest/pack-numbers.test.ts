import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { PackNumbers } from "./pack-numbers.ts";

function view(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

describe("PackNumbers", () => {
  it("gives each pack a number of its own and knows it again, however many there are and wherever they lie", () => {
    const packs = new PackNumbers();
    const keys = Array.from({ length: 3000 }, () => randomBytes(40));
    for (const round of [1, 2])
      for (const [number, key] of keys.entries()) {
        const table = Buffer.concat([Buffer.alloc(round), key]);
        expect(packs.numberOf(view(table), round, number * round)).toBe(number);
      }
    expect(packs.count).toBe(3000);
    for (const [number, key] of keys.entries()) {
      expect(packs.nameOf(number)).toBe(key.toString("hex", 8));
      expect(packs.lengthOf(number)).toBe(number);
    }
  });

  it("tells packs apart that differ in any one byte", () => {
    const packs = new PackNumbers();
    const key = randomBytes(40);
    expect(packs.numberOf(view(key), 0, 1)).toBe(0);
    for (let index = 0; index < 40; index += 1) {
      const other = Buffer.from(key);
      other[index] = (other[index] ?? 0) ^ 0x80;
      expect(packs.numberOf(view(other), 0, 1)).toBe(index + 1);
    }
    expect(packs.numberOf(view(key), 0, 1)).toBe(0);
  });
});
