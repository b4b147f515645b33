import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { referenceTo, storedEntry } from "../../../test/support/arbitrary-tree.ts";
import { MemoryMetadata } from "../../../test/support/memory-metadata.ts";
import { mutations } from "../../../test/support/mutations.ts";
import { HoldfastError } from "../../kernel/index.ts";
import type { PackId } from "../pack/locator.ts";
import { decodeChunks, writeChunks } from "./chunk-blocks.ts";
import { decodeIndex, encodeIndex } from "./index-block.ts";
import { decodeBase, decodeLayer, encodeBase, encodeLayer } from "./page-blocks.ts";
import { decodeRoots, encodeRoots } from "./roots.ts";
import { decodeRun, encodeRun } from "./run-codec.ts";

const [A, B] = ["00000000000000aa", "00000000000000bb"] as [PackId, PackId];

const references = fc.array(referenceTo(fc.integer({ min: 1, max: 5000 })), { minLength: 1, maxLength: 20 });
const extents = fc
  .array(
    fc.record({
      pages: fc.integer({ min: 1, max: 300 }),
      pack: fc.constantFrom(A, B),
      frame: fc.nat({ max: 300 }),
      offset: fc.nat({ max: 9999 }),
    }),
    {
      minLength: 1,
      maxLength: 30,
    },
  )
  .map((list) => list.map((extent) => ({ first: 0, ...extent })));

const run = fc.array(storedEntry, { minLength: 1, maxLength: 12 }).map((entries) => encodeRun(entries));
const index = references.map((list) => encodeIndex(list));
const roots = references.map((list) => encodeRoots([{ name: "memory", root: { level: 0, references: list } }]));
const base = extents.map((list) => encodeBase(list));
const layer = extents.map((list) => {
  const pages = list.reduce((sum, extent) => sum + extent.pages, 0);
  return encodeLayer({ numbers: Array.from({ length: pages }, (_, page) => page * 3), extents: list });
});
const chunks = references.map((list) => {
  const store = new MemoryMetadata();
  writeChunks(
    list.map(({ place, hash }) => ({ length: place.length, hash, place })),
    [],
    { store },
  );
  return [...store.objects.values()][0]!;
});

/** What is decoded must be encoded to the same meaning, or there would be two readings of the same bytes. */
const parsers: readonly (readonly [string, fc.Arbitrary<Buffer>, (bytes: Uint8Array) => void])[] = [
  ["decodeRun()", run, (bytes) => expect(decodeRun(encodeRun(decodeRun(bytes)))).toEqual(decodeRun(bytes))],
  ["decodeIndex()", index, (bytes) => expect(decodeIndex(encodeIndex(decodeIndex(bytes)))).toEqual(decodeIndex(bytes))],
  ["decodeRoots()", roots, (bytes) => expect(decodeRoots(encodeRoots(decodeRoots(bytes)))).toEqual(decodeRoots(bytes))],
  ["decodeChunks()", chunks, (bytes) => void decodeChunks(bytes)],
  ["decodeBase()", base, (bytes) => expect(decodeBase(encodeBase(decodeBase(bytes, 512)), 512)).toEqual(decodeBase(bytes, 512))],
  ["decodeLayer()", layer, (bytes) => expect(decodeLayer(encodeLayer(decodeLayer(bytes, 512)), 512)).toEqual(decodeLayer(bytes, 512))],
];

describe.each(parsers)("%s", (_, sound, parse) => {
  it("reads what is sound, and refuses what is not with an error that has a name", () => {
    let refused = 0;
    fc.assert(
      fc.property(sound, fc.array(mutations, { minLength: 20, maxLength: 20 }), (bytes, changes) => {
        parse(bytes);
        for (const change of changes) {
          try {
            parse(change(bytes));
          } catch (error) {
            if (!(error instanceof HoldfastError)) throw error;
            expect(["BACKUP_DAMAGED", "MANIFEST_INVALID", "VERSION_UNSUPPORTED"]).toContain(error.code);
            refused += 1;
          }
        }
      }),
      { numRuns: 15 },
    );
    expect(refused).toBeGreaterThan(100);
  });

  it("refuses random bytes and numbers that ask for more than is there", () => {
    for (const kind of [1, 2, 3, 4]) {
      const most = Buffer.concat([Buffer.from([kind]), Buffer.alloc(3, 1), Buffer.from("ffffffffffffff0f", "hex"), Buffer.alloc(60, 0xff)]);
      expect(() => parse(most)).toThrow(HoldfastError);
      expect(() => parse(Buffer.from([kind, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f]))).toThrow(HoldfastError);
    }
    expect(() => parse(Buffer.alloc(0))).toThrow(HoldfastError);
  });
});
