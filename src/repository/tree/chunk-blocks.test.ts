import { hash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { MemoryMetadata } from "../../../test/support/memory-metadata.ts";
import type { PackId } from "../pack/locator.ts";
import { readChunks, writeChunks } from "./chunk-blocks.ts";
import type { Chunk } from "./tree-entry.ts";

const PACKS = ["00000000000000aa", "00000000000000bb"] as PackId[];

function chunk(number: number): Chunk {
  const length = 1 + (number % 1000);
  const place = { pack: PACKS[number % 2] ?? PACKS[0]!, frame: number, offset: number % 77, length };
  return { length, hash: hash("sha256", `chunk ${number}`, "hex").slice(0, 32), place };
}

const CHUNKS = Array.from({ length: 2000 }, (_, number) => chunk(number));

describe("writeChunks()", () => {
  it("stores a list that readChunks() gives back, in blocks of 16 to 512", () => {
    const store = new MemoryMetadata();
    const blocks = writeChunks(CHUNKS, [], { store });
    expect(readChunks(store, blocks)).toEqual(CHUNKS);
    expect(blocks.length).toBeGreaterThan(8);
    expect(blocks.slice(0, -1).every(({ entries }) => entries >= 16 && entries <= 512)).toBe(true);
    expect(blocks.reduce((sum, { entries }) => sum + entries, 0)).toBe(2000);
  });

  it("puts one block of a file that grew, and one or two of a file that changed in the middle", () => {
    const store = new MemoryMetadata();
    const before = writeChunks(CHUNKS, [], { store });
    const stored = store.objects.size;
    expect(writeChunks(CHUNKS, before, { store })).toEqual(before);
    expect(store.objects.size).toBe(stored);
    const grown = [...CHUNKS, chunk(5000)];
    expect(readChunks(store, writeChunks(grown, before, { store }))).toEqual(grown);
    expect(store.objects.size).toBe(stored + 1);
    const changed = CHUNKS.with(1000, chunk(5001));
    expect(readChunks(store, writeChunks(changed, before, { store }))).toEqual(changed);
    expect(store.objects.size).toBeLessThanOrEqual(stored + 3);
  });

  it("writes anew what may not be named again", () => {
    const store = new MemoryMetadata();
    const before = writeChunks(CHUNKS, [], { store });
    const stored = store.objects.size;
    const after = writeChunks(CHUNKS, before, { store, reuse: (reference) => reference !== before[0] });
    expect(store.objects.size).toBe(stored + 1);
    expect(after.slice(1)).toEqual(before.slice(1));
    expect(after[0]?.hash).toBe(before[0]?.hash);
    expect(after[0]?.place).not.toEqual(before[0]?.place);
  });
});

describe("readChunks()", () => {
  it("refuses a block that was changed, and one with another count than its reference", () => {
    const store = new MemoryMetadata();
    const [block] = writeChunks(CHUNKS.slice(0, 5), [], { store });
    const damaged = expect.objectContaining({ code: "BACKUP_DAMAGED" }) as unknown;
    expect(() => readChunks(store, [{ ...block!, entries: 6 }])).toThrow(damaged);
    const bytes = store.at(block!.place);
    bytes[bytes.length - 1]! ^= 1;
    expect(() => readChunks(store, [block!])).toThrow(damaged);
  });
});
