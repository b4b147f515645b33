import { randomBytes } from "node:crypto";
import { readdirSync, readlinkSync, rmSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { damageOf, KEYS, writePack } from "../../../test/support/sample-pack.ts";
import { temporaryFolder } from "../../../test/support/temporary-folder.ts";
import { FrameCache } from "./frame-cache.ts";
import type { PackId } from "./locator.ts";
import { packPath } from "./pack-place.ts";
import type { FinishedPack } from "./pack-writer.ts";

const FRAME = 100;

interface Stage {
  readonly packs: readonly FinishedPack[];
  readonly frames: readonly (readonly Buffer[])[];
  readonly table: ReadonlyMap<PackId, FinishedPack>;
}

/** Packs of three frames of 100 bytes. */
function makePacks(folder: string, count: number): Stage {
  const frames = Array.from({ length: count }, () => [randomBytes(FRAME), randomBytes(FRAME), randomBytes(FRAME)]);
  const packs = frames.map((three) =>
    writePack(
      folder,
      three.map((raw) => ({ raw })),
    ),
  );
  return { packs, frames, table: new Map(packs.map((pack) => [pack.id, pack])) };
}

/** Files below a folder that this process has open. */
function openFiles(folder: string): number {
  return readdirSync("/proc/self/fd").filter((name) => {
    try {
      return readlinkSync(`/proc/self/fd/${name}`).startsWith(folder);
    } catch {
      return false;
    }
  }).length;
}

describe("FrameCache", () => {
  it.each([
    ["keeps", false],
    ["frees", true],
  ])(
    "get() gives exactly the bytes of a locator, whatever was asked for before, within its budget and its open packs; it %s memory",
    (_, frees) => {
      using folder = temporaryFolder();
      const { packs, frames, table } = makePacks(folder.path, 5);
      using cache = new FrameCache({ folder: folder.path, packs: table, keys: KEYS, budget: 4 * FRAME, openPacks: 2, frees });
      const place = fc.record({ pack: fc.nat(4), frame: fc.nat(2), offset: fc.nat(FRAME), length: fc.nat(FRAME) });
      fc.assert(
        fc.property(place, ({ pack, frame, offset, length }) => {
          const fitting = Math.min(length, FRAME - offset);
          const found = cache.get({ pack: packs[pack]!.id, frame, offset, length: fitting });
          expect(found.equals(frames[pack]![frame]!.subarray(offset, offset + fitting))).toBe(true);
          expect(cache.kept).toBeLessThanOrEqual(4 * FRAME);
          expect(openFiles(folder.path)).toBeLessThanOrEqual(2);
        }),
        { numRuns: 200 },
      );
    },
  );

  it("keeps the frames that were used last, which then need no file", () => {
    using folder = temporaryFolder();
    const { packs, table } = makePacks(folder.path, 3);
    using cache = new FrameCache({ folder: folder.path, packs: table, keys: KEYS, budget: 2 * FRAME, openPacks: 1 });
    const read = (pack: number): Buffer => cache.get({ pack: packs[pack]!.id, frame: 0, offset: 0, length: FRAME });
    read(0);
    read(1);
    read(0);
    read(2);
    for (const { name } of packs) rmSync(packPath(folder.path, name));
    expect([read(0).length, read(2).length]).toEqual([FRAME, FRAME]);
    expect(damageOf(() => read(1))?.message).toContain("is missing");
  });

  it("with `frees` has no more memory than its budget asks for, however many frames are read", () => {
    using folder = temporaryFolder();
    const large = 600_000;
    const pack = writePack(
      folder.path,
      Array.from({ length: 8 }, () => ({ raw: randomBytes(large) })),
    );
    const table = new Map([[pack.id, pack]]);
    using cache = new FrameCache({ folder: folder.path, packs: table, keys: KEYS, budget: 2 * large, frees: true });
    const memories = Array.from({ length: 8 }, (_, frame) => cache.get({ pack: pack.id, frame, offset: 0, length: 1 }).buffer);
    expect(memories.map(({ byteLength }) => byteLength > 0)).toEqual([false, false, false, false, false, false, true, true]);
  });

  it("reads a frame that is larger than its budget, and keeps that one alone", () => {
    using folder = temporaryFolder();
    const { packs, frames, table } = makePacks(folder.path, 1);
    using cache = new FrameCache({ folder: folder.path, packs: table, keys: KEYS, budget: 1 });
    for (const frame of [0, 1, 2])
      expect(cache.get({ pack: packs[0]!.id, frame, offset: 0, length: FRAME }).equals(frames[0]![frame]!)).toBe(true);
    expect(cache.kept).toBe(FRAME);
  });

  it.each([
    [0, FRAME + 1],
    [FRAME, 1],
    [FRAME + 1, 0],
    [-1, 1],
    [1, -1],
    [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
    [Number.NaN, 1],
  ])("get() refuses offset %d and length %d, which do not lie in the frame", (offset, length) => {
    using folder = temporaryFolder();
    const { packs, table } = makePacks(folder.path, 1);
    using cache = new FrameCache({ folder: folder.path, packs: table, keys: KEYS, budget: 1000 });
    expect(damageOf(() => cache.get({ pack: packs[0]!.id, frame: 0, offset, length }))).toMatchObject({ code: "BACKUP_DAMAGED" });
  });

  it("get() refuses a pack that the table does not hold and a frame that the pack does not hold", () => {
    using folder = temporaryFolder();
    const { packs, table } = makePacks(folder.path, 1);
    using cache = new FrameCache({ folder: folder.path, packs: table, keys: KEYS, budget: 1000 });
    expect(damageOf(() => cache.get({ pack: "0011223344556677" as PackId, frame: 0, offset: 0, length: 1 }))?.message).toContain(
      "its table does not hold it",
    );
    expect(damageOf(() => cache.get({ pack: packs[0]!.id, frame: 3, offset: 0, length: 1 }))).toBeDefined();
  });

  it("close() closes every pack", () => {
    using folder = temporaryFolder();
    const { packs, table } = makePacks(folder.path, 3);
    const cache = new FrameCache({ folder: folder.path, packs: table, keys: KEYS, budget: 1000 });
    for (const { id } of packs) cache.get({ pack: id, frame: 0, offset: 0, length: 1 });
    expect(openFiles(folder.path)).toBe(3);
    cache.close();
    expect([openFiles(folder.path), cache.kept]).toEqual([0, 0]);
  });
});
