import { createCipheriv } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PagesHash } from "../../vault/index.ts";
import { HASH_BYTES, makePageHashes, pagesPerGroup, type PageHashes } from "./page-hashes.ts";
import { scanPages } from "./page-scan.ts";

const KEY = Buffer.alloc(32, 5);
const PAGE_SIZES = [512, 1024, 2048, 4096, 8192, 16_384, 32_768, 65_536];

/** Groups of several pieces, the last one not full. */
function databaseOf(pageSize: number, bytes = 600_000): Buffer {
  const zeros = Buffer.alloc(Math.max(1, Math.ceil(bytes / pageSize)) * pageSize);
  return createCipheriv("aes-128-ctr", Buffer.alloc(16), Buffer.alloc(16)).update(zeros);
}

interface Scanned {
  readonly changed: readonly number[];
  readonly next: PageHashes;
}

function scan(database: Buffer, pageSize: number, previous?: PageHashes, key: Buffer = KEY): Scanned {
  const next = makePageHashes(pageSize, database.length / pageSize);
  const read = (buffer: Uint8Array, wanted: number, position: number): number => database.copy(buffer, 0, position, position + wanted);
  return { changed: [...scanPages({ read, first: 0, key, previous, next })], next };
}

function bytesOf({ hashes, macs, sums }: PageHashes): string {
  return Buffer.concat([hashes, macs, sums]).toString("hex");
}

function sorted(pages: Iterable<number>): readonly number[] {
  return [...new Set(pages)].toSorted((a, b) => a - b);
}

function upTo(count: number, from = 0): readonly number[] {
  return Array.from({ length: count - from }, (_, index) => from + index);
}

/** Changes one byte of each page. */
function edit(database: Buffer, pageSize: number, pages: Iterable<number>): Buffer {
  const edited = Buffer.from(database);
  for (const page of pages) edited[page * pageSize + ((page * 7919) % pageSize)]! ^= 1 << (page % 8);
  return edited;
}

function flipped(bytes: Uint8Array, positions: Iterable<number>): Uint8Array {
  const copy = Uint8Array.from(bytes);
  for (const position of positions) copy[position % copy.length]! ^= 16;
  return copy;
}

describe("scanPages()", () => {
  it.each(PAGE_SIZES)("names exactly the changed pages of %i bytes, and leaves the state of a first scan", (pageSize) => {
    const database = databaseOf(pageSize);
    const pages = database.length / pageSize;
    const { next: previous, changed: all } = scan(database, pageSize);
    expect(all).toEqual(upTo(pages));
    fc.assert(
      fc.property(fc.array(fc.nat(pages - 1), { maxLength: 12 }), (picked) => {
        const numbers = sorted(picked);
        const edited = edit(database, pageSize, numbers);
        const { changed, next } = scan(edited, pageSize, previous);
        expect(changed).toEqual(numbers);
        expect(bytesOf(next)).toBe(bytesOf(scan(edited, pageSize).next));
        const hash = new PagesHash();
        hash.update(edited);
        const carried = new PagesHash();
        carried.addSums(next.sums);
        expect(carried.digest()).toBe(hash.digest());
      }),
      { numRuns: 5 },
    );
  });

  it.each([512, 4096, 65_536])(
    "names what is new in a database of %i byte pages that grew, and nothing for one that shrank",
    (pageSize) => {
      const large = databaseOf(pageSize, 600_000);
      const pages = large.length / pageSize;
      const whole = scan(large, pageSize).next;
      for (const kept of [1, Math.floor(pages / 2), pages - 1]) {
        const small = large.subarray(0, kept * pageSize);
        const part = scan(small, pageSize).next;
        const grown = scan(large, pageSize, part);
        expect(grown.changed).toEqual(upTo(pages, kept));
        expect(bytesOf(grown.next)).toBe(bytesOf(whole));
        const shrunk = scan(small, pageSize, whole);
        expect(shrunk.changed).toEqual([]);
        expect(bytesOf(shrunk.next)).toBe(bytesOf(part));
      }
    },
  );

  it("finds pages that changed places", () => {
    const database = databaseOf(4096);
    const { next: previous } = scan(database, 4096);
    const swapped = Buffer.concat([database.subarray(65_536, 131_072), database.subarray(0, 65_536), database.subarray(131_072)]);
    expect(scan(swapped, 4096, previous).changed).toEqual(upTo(32));
  });

  it("treats pages of zeros like others", () => {
    const database = Buffer.alloc(200 * 4096);
    const { next: previous } = scan(database, 4096);
    expect(scan(database, 4096, previous).changed).toEqual([]);
    expect(scan(edit(database, 4096, [3, 199]), 4096, previous).changed).toEqual([3, 199]);
    expect(previous.macs.subarray(0, HASH_BYTES)).not.toEqual(previous.macs.subarray(HASH_BYTES, 2 * HASH_BYTES));
  });

  it("counts pages from the beginning of the database, wherever the stretch begins", () => {
    const database = databaseOf(4096);
    const scanAt = (content: Buffer, first: number, previous?: PageHashes): Scanned => {
      const next = makePageHashes(4096, content.length / 4096);
      const read = (buffer: Uint8Array, wanted: number, position: number): number => content.copy(buffer, 0, position, position + wanted);
      return { changed: [...scanPages({ read, first, key: KEY, previous, next })], next };
    };
    const { changed, next } = scanAt(database, 4096);
    expect(changed).toEqual(upTo(4096 + database.length / 4096, 4096));
    expect(scanAt(edit(database, 4096, [3, 20]), 4096, next).changed).toEqual([4099, 4116]);
    // A group tells of its place.
    expect(next.macs).not.toEqual(scan(database, 4096).next.macs);
    expect(scanAt(database, 0, next).changed).toEqual([]);
  });

  it("calls more pages changed, never fewer, when the previous state has rotted", () => {
    const pageSize = 1024;
    const database = databaseOf(pageSize, 300_000);
    const pages = database.length / pageSize;
    const { next: sound } = scan(database, pageSize);
    const positions = fc.array(fc.nat(1_000_000), { maxLength: 6 });
    fc.assert(
      fc.property(positions, positions, fc.array(fc.nat(pages - 1), { maxLength: 6 }), (inMacs, inHashes, picked) => {
        const previous = { ...sound, macs: flipped(sound.macs, inMacs), hashes: flipped(sound.hashes, inHashes) };
        const { changed } = scan(edit(database, pageSize, sorted(picked)), pageSize, previous);
        const rotten = inHashes.map((position) => Math.floor((position % sound.hashes.length) / HASH_BYTES));
        expect(changed).toEqual(expect.arrayContaining([...sorted(picked)]));
        expect(sorted([...picked, ...rotten])).toEqual(expect.arrayContaining([...changed]));
      }),
      { numRuns: 60 },
    );
  });

  it("hashes no page of a group whose MAC agrees, and compares no page of one whose MAC does not without its hash", () => {
    const database = databaseOf(4096);
    const { next: sound } = scan(database, 4096);
    const rotten = { ...sound, hashes: flipped(sound.hashes, [5 * HASH_BYTES]) };
    const carried = scan(database, 4096, rotten);
    expect(carried.changed).toEqual([]);
    expect(bytesOf(carried.next)).toBe(bytesOf(rotten));
    expect(scan(edit(database, 4096, [6]), 4096, carried.next).changed).toEqual([5, 6]);
    const otherMac = { ...sound, macs: flipped(sound.macs, [0]) };
    const healed = scan(database, 4096, otherMac);
    expect(healed.changed).toEqual([]);
    expect(bytesOf(healed.next)).toBe(bytesOf(sound));
  });

  it("calls every page changed without a state, with one of another key or page size, and with one that is not whole", () => {
    const database = databaseOf(4096, 256 * 1024);
    const { next: sound } = scan(database, 4096);
    const all = upTo(64);
    const unusable: readonly (PageHashes | undefined)[] = [
      undefined,
      scan(database, 4096, undefined, Buffer.alloc(32, 6)).next,
      scan(database, 8192).next,
      { ...sound, hashes: sound.hashes.subarray(1) },
      { ...sound, macs: new Uint8Array(0) },
      { ...sound, pages: 65 },
      { ...sound, pages: NaN },
      { ...sound, pageSize: 0 },
    ];
    for (const previous of unusable) expect(scan(database, 4096, previous).changed).toEqual(all);
  });

  it("fails when the database ends early, and refuses stretches that part a group", () => {
    const next = makePageHashes(4096, 100);
    const ask = { read: (_: Uint8Array, wanted: number): number => wanted, key: KEY, previous: undefined, next };
    const short = { ...ask, read: (_: Uint8Array, wanted: number): number => wanted - 1 };
    expect(() => scanPages({ ...short, first: 0 })).toThrow(expect.objectContaining({ code: "COMPONENT_MOVED" }));
    expect(scanPages({ ...ask, first: 96 })).toHaveLength(100);
    for (const first of [1, 15, -16, NaN]) {
      expect(() => scanPages({ ...ask, first })).toThrow(expect.objectContaining({ code: "INTERNAL" }));
    }
    expect(() => scanPages({ ...ask, first: 0, next: { ...next, pages: 99 } })).toThrow(expect.objectContaining({ code: "INTERNAL" }));
    for (const pageSize of [0, 256, 1000, 131_072, NaN]) {
      expect(() => pagesPerGroup(pageSize)).toThrow(expect.objectContaining({ code: "INTERNAL" }));
    }
  });
});
