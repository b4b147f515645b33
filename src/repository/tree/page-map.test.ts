import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MemoryMetadata } from "../../../test/support/memory-metadata.ts";
import type { Locator, PackId } from "../pack/locator.ts";
import { newPageMap, resolvePageMap, updatePageMap, type PageMap } from "./page-map.ts";
import type { Extent, ResolvedMap } from "./resolved-map.ts";
import { StoredMap } from "./stored-map.ts";
import type { PageMapRef } from "./tree-entry.ts";

const SIZE = 4096;
const DAMAGED = expect.objectContaining({ code: "BACKUP_DAMAGED" }) as unknown;

/** Places for so many pages, up to 256 in a frame, in a pack of the run's own. */
function placesFor(count: number, run: number, perFrame = 256): readonly Locator[] {
  const pack = run.toString(16).padStart(16, "0") as PackId;
  return Array.from({ length: Math.ceil(count / perFrame) }, (_, frame) => {
    return { pack, frame, offset: SIZE, length: Math.min(perFrame, count - frame * perFrame) * SIZE };
  });
}

/** Where a page lies, as one number. */
function keyOf(pack: string, frame: number, offset: number): number {
  return (Number.parseInt(pack, 16) * 65_536 + frame) * 512 + offset / SIZE;
}

/** Where the pages of an update lie, one by one. */
function spread(places: readonly Locator[]): readonly number[] {
  return places.flatMap(({ pack, frame, length, offset }) =>
    Array.from({ length: length / SIZE }, (_, index) => keyOf(pack, frame, offset + index * SIZE)),
  );
}

function placesOf(map: ResolvedMap): readonly number[] {
  return placesIn(map.extents(), 0, map.pages);
}

/** Of the pages [from, to). */
function placesIn(extents: Iterable<Extent>, from: number, to: number): readonly number[] {
  const keys: number[] = Array.from({ length: to - from }, () => -1);
  for (const { first: page, pages, pack, frame, offset } of extents) {
    for (let index = 0; index < pages; index++) keys[page - from + index] = keyOf(pack, frame, offset + index * SIZE);
  }
  return keys;
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
}

function first(store: MemoryMetadata, pages: number): PageMap {
  return updatePageMap({ store, pageSize: SIZE, pages, changed: range(0, pages), places: placesFor(pages, 1) });
}

const step = fc.record({
  grow: fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: -30, max: 60 }) },
    { weight: 1, arbitrary: fc.integer({ min: -20_000, max: 20_000 }) },
  ),
  share: fc.oneof(
    { weight: 8, arbitrary: fc.double({ min: 0, max: 0.02, noNaN: true }) },
    { weight: 1, arbitrary: fc.double({ min: 0, max: 0.5, noNaN: true }) },
  ),
  seed: fc.integer(),
  perFrame: fc.constantFrom(1, 7, 256),
});

describe("StoredMap", () => {
  it("gives any part of a map with layers, as the whole of it does", () => {
    const store = new MemoryMetadata();
    let map = first(store, 20_000);
    for (const run of [2, 3, 4]) {
      const changed = range(0, 20_000).filter((page) => (page * 7919 + run) % 97 === 0);
      map = updatePageMap({ store, previous: map, pageSize: SIZE, pages: 20_000, changed, places: placesFor(changed.length, run, 50) });
    }
    const shrunk = updatePageMap({ store, previous: map, pageSize: SIZE, pages: 18_001, changed: [], places: [] });
    for (const { ref, resolved } of [map, shrunk]) {
      const whole = placesOf(resolved);
      const part = fc.tuple(fc.nat(ref.pages), fc.nat(ref.pages)).map((ends) => ends.toSorted((one, other) => one - other));
      fc.assert(
        fc.property(part, ([from = 0, to = 0]) => {
          const stored = new StoredMap(store, ref);
          for (const [start, end] of [
            [from, to],
            [0, from],
            [from, to],
          ] as const)
            expect(isDeepStrictEqual(placesIn(stored.extents(start, end), start, end), whole.slice(start, end))).toBe(true);
        }),
        { numRuns: 30, examples: [[[4095, 4097]], [[4096, 8192]], [[0, ref.pages]]] },
      );
    }
  });
});

describe("newPageMap()", () => {
  it.each([1, 255, 256, 4096, 4097, 20_000])("maps a database of %i pages that was stored as a whole", (pages) => {
    for (const perFrame of [1, 100, 256]) {
      const store = new MemoryMetadata();
      const places = placesFor(pages, 1, perFrame);
      const { ref, resolved } = newPageMap({ store, pageSize: SIZE, pages, places });
      const whole = spread(places);
      expect(isDeepStrictEqual(placesOf(resolvePageMap(store, ref)), whole)).toBe(true);
      const [from, to] = [Math.floor(pages / 3), Math.ceil((pages * 2) / 3)];
      expect(isDeepStrictEqual(placesIn(resolved.extents(from, to), from, to), whole.slice(from, to))).toBe(true);
    }
  });

  it("refuses places that hold fewer pages or more, or a part of one", () => {
    const store = new MemoryMetadata();
    const update = { store, pageSize: SIZE, pages: 10, places: placesFor(10, 1) };
    for (const places of [placesFor(9, 1), placesFor(11, 1), [{ ...update.places[0]!, length: 10 * SIZE - 1 }]])
      expect(() => newPageMap({ ...update, places })).toThrow(expect.objectContaining({ code: "INTERNAL" }));
    expect(() => newPageMap({ ...update, pages: 0, places: [] })).toThrow("Cannot map a database");
  });
});

describe("updatePageMap()", () => {
  it("maps every page as a plain array would, over 200 updates in which the database grows and shrinks", () => {
    const steps = fc.array(step, { minLength: 200, maxLength: 200 });
    fc.assert(
      fc.property(steps, (updates) => {
        const store = new MemoryMetadata();
        const model: number[] = [];
        let map: PageMap | undefined;
        let layered = 0;
        for (const [run, { grow, share, seed, perFrame }] of updates.entries()) {
          const pages = Math.min(40_000, Math.max(1, map === undefined ? 18_000 : model.length + grow));
          let state = seed | 1;
          const changed = range(0, pages).filter((page) => {
            state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
            return page >= model.length || (state >>> 0) / 2 ** 32 < share;
          });
          const places = placesFor(changed.length, run + 1, perFrame);
          model.length = Math.min(model.length, pages);
          for (const [index, place] of spread(places).entries()) model[changed[index] ?? 0] = place;
          map = updatePageMap({ store, pageSize: SIZE, pages, changed, places, ...(map === undefined ? {} : { previous: map }) });
          layered += Math.sign(map.ref.layers.length);
          if (run % 20 > 0 && grow > -1000) continue;
          expect(isDeepStrictEqual(placesOf(map.resolved), model)).toBe(true);
          expect(isDeepStrictEqual(placesOf(resolvePageMap(store, map.ref)), model)).toBe(true);
        }
        expect(layered).toBeGreaterThan(20);
      }),
      { numRuns: 1 },
    );
  });

  it("puts a layer of a byte or two a page for a few changes, and nothing for none", () => {
    const store = new MemoryMetadata();
    const previous = first(store, 140_000);
    expect(previous.ref.blocks).toHaveLength(9);
    const stored = store.objects.size;
    const same = updatePageMap({ store, previous, pageSize: SIZE, pages: 140_000, changed: [], places: [] });
    expect(same.ref).toEqual(previous.ref);
    expect(store.objects.size).toBe(stored);
    const changed = range(0, 1000).map((index) => index * 139);
    const next = updatePageMap({ store, previous, pageSize: SIZE, pages: 140_000, changed, places: placesFor(1000, 2) });
    expect(next.ref).toMatchObject({ blocks: previous.ref.blocks, layers: [{ entries: 1000 }] });
    expect(next.ref.layers[0]?.place.length).toBeLessThan(2100);
    // The earlier state is left as it was.
    expect([...previous.resolved.extents(139, 140)]).toMatchObject([{ pack: "0000000000000001" }]);
    expect([...next.resolved.extents(139, 140)]).toMatchObject([{ pack: "0000000000000002", frame: 0, offset: 2 * SIZE }]);
  });

  it("merges layers when they are 16, or hold more than a quarter of the base, and names again the blocks that are as they were", () => {
    const store = new MemoryMetadata();
    const base = first(store, 50_000);
    let map = base;
    for (let run = 2; run < 18; run++)
      map = updatePageMap({ store, previous: map, pageSize: SIZE, pages: 50_000, changed: [run], places: placesFor(1, run) });
    expect(map.ref.layers).toHaveLength(16);
    const merged = updatePageMap({ store, previous: map, pageSize: SIZE, pages: 50_000, changed: [1], places: placesFor(1, 99) });
    expect(merged.ref.layers).toEqual([]);
    expect(merged.ref.blocks.slice(1)).toEqual(base.ref.blocks.slice(1));
    expect(merged.ref.blocks[0]).not.toEqual(base.ref.blocks[0]);
    const changed = range(100, 12_601);
    const large = updatePageMap({ store, previous: base, pageSize: SIZE, pages: 50_000, changed, places: placesFor(changed.length, 98) });
    expect(large.ref.layers).toEqual([]);
    expect(isDeepStrictEqual(placesOf(resolvePageMap(store, large.ref)), placesOf(large.resolved))).toBe(true);
  });

  it("writes everything anew when a part may not be named where it lies", () => {
    const store = new MemoryMetadata();
    const previous = first(store, 20_000);
    const layered = updatePageMap({ store, previous, pageSize: SIZE, pages: 20_000, changed: [5], places: placesFor(1, 2) });
    const [tired] = layered.ref.layers;
    const update = { store, previous: layered, pageSize: SIZE, pages: 20_000, changed: [], places: [] };
    const next = updatePageMap({ ...update, reuse: (reference) => reference !== tired });
    expect(next.ref.layers).toEqual([]);
    expect(next.ref.blocks[1]).toEqual(previous.ref.blocks[1]);
    const stored = store.objects.size;
    expect(updatePageMap({ ...update, reuse: () => false }).ref.blocks).toHaveLength(2);
    expect(store.objects.size).toBe(stored + 2);
  });

  it("starts anew under another page size", () => {
    const store = new MemoryMetadata();
    const previous = first(store, 10);
    const places = [{ pack: "00000000000000ff" as PackId, frame: 0, offset: 0, length: 5 * 8192 }];
    const next = updatePageMap({ store, previous, pageSize: 8192, pages: 5, changed: [0, 1, 2, 3, 4], places });
    expect([...resolvePageMap(store, next.ref).extents(4)]).toMatchObject([{ first: 4, pages: 1, offset: 4 * 8192 }]);
  });

  const wrong: readonly (readonly [string, readonly number[], number])[] = [
    ["pages that do not rise", [3, 3], 2],
    ["a page past the end", [100], 1],
    ["more pages than places", [3, 4], 1],
    ["fewer pages than places", [3], 2],
  ];
  it.each(wrong)("refuses %s", (_, changed, held) => {
    const store = new MemoryMetadata();
    const previous = first(store, 100);
    const update = { store, previous, pageSize: SIZE, pages: 100, changed, places: placesFor(held, 2) };
    expect(() => updatePageMap(update)).toThrow(expect.objectContaining({ code: "INTERNAL" }));
  });

  it("refuses a page past the previous end that was not stored, and a database beyond every limit", () => {
    const store = new MemoryMetadata();
    const previous = first(store, 100);
    const update = { store, previous, pageSize: SIZE, pages: 102, changed: [101], places: placesFor(1, 2) };
    expect(() => updatePageMap(update)).toThrow("Cannot map page 100 of 102");
    expect(() => updatePageMap({ ...update, pages: 2 ** 40 })).toThrow("Cannot map a database");
    expect(() => updatePageMap({ ...update, pages: 0, changed: [], places: [] })).toThrow("Cannot map a database");
  });
});

describe("resolvePageMap()", () => {
  const store = new MemoryMetadata();
  const { ref } = first(store, 20_000);
  const [one, two] = ref.blocks as [PageMapRef["blocks"][0], PageMapRef["blocks"][0]];
  const refused: readonly (readonly [string, Partial<PageMapRef>])[] = [
    ["a page that lies nowhere", { pages: 20_001 }],
    ["a missing block", { blocks: [one] }],
    ["blocks in another order", { blocks: [two, one] }],
    ["a block too many", { blocks: [one, one, two] }],
    ["a block as a layer", { layers: [two] }],
    ["a block of another count", { blocks: [one, { ...two, entries: two.entries - 1 }] }],
    ["more pages than a map can have", { pages: 2 ** 30 }],
    ["a page size that is none", { pageSize: 4095 }],
    ["another page size, by which the extents leave their frames", { pageSize: 65_536 }],
  ];
  it.each(refused)("refuses %s", (_, change) => {
    expect(() => resolvePageMap(store, { ...ref, ...change })).toThrow(DAMAGED);
  });

  it("does not count what lies past the end", () => {
    const short = resolvePageMap(store, { ...ref, pages: 16_385 });
    expect([...short.extents(16_380)].reduce((sum, { pages }) => sum + pages, 0)).toBe(5);
  });
});
