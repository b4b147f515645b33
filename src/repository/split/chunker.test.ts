import { createCipheriv, hash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Chunker, LONGEST_CHUNK, SHORTEST_CHUNK } from "./chunker.ts";

const KEY = Buffer.alloc(32, 7);

function randomBytes(seed: number, length: number): Buffer {
  const start = Buffer.alloc(16);
  start.writeUInt32LE(seed);
  return createCipheriv("aes-128-ctr", start, start).update(Buffer.alloc(length));
}

/** Content as it comes: noise, runs of one byte, and a pattern again and again. */
const CONTENT: fc.Arbitrary<Buffer> = fc
  .array(
    fc.record({
      kind: fc.constantFrom("noise", "byte", "pattern"),
      seed: fc.nat(1000),
      length: fc.integer({ min: 0, max: 1_500_000 }),
      period: fc.integer({ min: 1, max: 300_000 }),
    }),
    { maxLength: 4 },
  )
  .map((parts) =>
    Buffer.concat(
      parts.map(({ kind, seed, length, period }) => {
        if (kind === "noise") return randomBytes(seed, length);
        return Buffer.alloc(length, kind === "byte" ? Buffer.of(seed & 255) : randomBytes(seed, period));
      }),
    ),
  );

function chunksOf(content: Buffer, chunker: Chunker = new Chunker(KEY)): readonly Buffer[] {
  const chunks: Buffer[] = [];
  for (let from = 0; from < content.length;) {
    const to = chunker.cut(content, from, content.length, true);
    chunks.push(content.subarray(from, to));
    from = to;
  }
  return chunks;
}

function hashesOf(content: Buffer): readonly string[] {
  return chunksOf(content).map((chunk) => hash("sha256", chunk, "hex"));
}

describe("Chunker.cut()", () => {
  it("gives chunks within the limits that are the content, of any content", () => {
    fc.assert(
      fc.property(CONTENT, (content) => {
        const chunks = chunksOf(content);
        expect(Buffer.concat(chunks).equals(content)).toBe(true);
        for (const [index, { length }] of chunks.entries()) {
          expect(length).toBeLessThanOrEqual(LONGEST_CHUNK);
          expect(length).toBeGreaterThanOrEqual(index === chunks.length - 1 ? 1 : SHORTEST_CHUNK);
        }
      }),
      { numRuns: 25 },
    );
  });

  it("says the same of a part of the content, or that it needs more", () => {
    fc.assert(
      fc.property(CONTENT, fc.integer({ min: 0, max: LONGEST_CHUNK }), (content, length) => {
        const whole = new Chunker(KEY).cut(content, 0, content.length, true);
        const to = Math.min(length, content.length);
        const part = new Chunker(KEY).cut(content, 0, to, false);
        // What ends the content is a boundary only because it ends there.
        const told = whole < to || (whole === to && (to === LONGEST_CHUNK || part !== -1));
        expect(part).toBe(told ? whole : -1);
      }),
      { numRuns: 25 },
    );
  });

  it("always tells with LONGEST_CHUNK bytes", () => {
    for (const value of [0, 1, 255]) {
      const end = new Chunker(KEY).cut(Buffer.alloc(LONGEST_CHUNK, value), 0, LONGEST_CHUNK, false);
      expect(end).toBeGreaterThanOrEqual(SHORTEST_CHUNK);
    }
  });

  it("keeps nothing from one call to the next, and does not care where in the buffer the chunk lies", () => {
    const content = randomBytes(3, 2_000_000);
    const chunker = new Chunker(KEY);
    const end = chunker.cut(content, 0, content.length, true);
    chunker.cut(content, 777_777, content.length, true);
    const shifted = Buffer.concat([Buffer.alloc(12_345, 9), content]);
    expect(chunker.cut(shifted, 12_345, shifted.length, true)).toBe(end + 12_345);
  });

  it("meets a boundary as soon as a chunk may end there, wherever the chunk begins", () => {
    const content = randomBytes(15, 20_000_000);
    const chunker = new Chunker(KEY);
    let seen = 0;
    for (let from = 0; from < content.length;) {
      const to = chunker.cut(content, from, content.length, true);
      // Up to this length boundaries are of the rare kind, which count for a chunk of any length.
      if (to - from <= 416 * 1024 && to < content.length) {
        for (const more of [0, 1, 31, 32]) {
          expect(chunker.cut(content, to - SHORTEST_CHUNK - more, content.length, true)).toBe(to);
          seen += 1;
        }
      }
      from = to;
    }
    expect(seen).toBeGreaterThan(4);
  });

  it("leaves what is shorter than SHORTEST_CHUNK whole without a look at it", () => {
    const chunker = new Chunker(KEY);
    const content = randomBytes(1, SHORTEST_CHUNK - 1);
    expect(chunker.cut(content, 0, content.length, true)).toBe(content.length);
    expect(chunker.cut(content, 0, content.length, false)).toBe(-1);
    expect(chunker.scanned).toBe(0);
    chunksOf(Buffer.alloc(SHORTEST_CHUNK), chunker);
    expect(chunker.scanned).toBeGreaterThan(0);
  });

  it("makes chunks of about 512 KiB, few of them forced", () => {
    const chunks = chunksOf(randomBytes(2, 64 * 1024 * 1024));
    expect(chunks.length).toBeGreaterThan(105);
    expect(chunks.length).toBeLessThan(160);
    expect(chunks.filter(({ length }) => length === LONGEST_CHUNK).length).toBeLessThan(6);
  });

  it("sets boundaries by the key", () => {
    const content = randomBytes(4, 20_000_000);
    const lengths = (value: number): readonly number[] =>
      chunksOf(content, new Chunker(Buffer.alloc(32, value))).map(({ length }) => length);
    const [first, second] = [new Set(lengths(1)), lengths(2)];
    expect(second.slice(0, -1).filter((length) => first.has(length))).toEqual([]);
  });

  it("sets the boundaries that it always has: others would store every large file anew", () => {
    expect(
      chunksOf(randomBytes(5, 3_000_000))
        .map(({ length }) => length)
        .join(" "),
    ).toMatchInlineSnapshot(`"444285 711091 1037759 457471 349394"`);
  });

  it("changes at most 3 chunks by an insertion in the middle of 20 MB", () => {
    for (const [seed, inserted] of [
      [10, 1],
      [11, 100],
      [12, 40_000],
    ] as const) {
      const content = randomBytes(seed, 20_000_000);
      const edited = Buffer.concat([content.subarray(0, 10_000_000), randomBytes(99, inserted), content.subarray(10_000_000)]);
      const before = new Set(hashesOf(content));
      const fresh = hashesOf(edited).filter((each) => !before.has(each));
      expect(fresh.length).toBeGreaterThan(0);
      expect(fresh.length).toBeLessThanOrEqual(3);
    }
  });

  it("changes at most the last 2 chunks by an append", () => {
    const content = randomBytes(13, 20_000_000);
    const before = hashesOf(content);
    const after = hashesOf(Buffer.concat([content, randomBytes(14, 5000)]));
    expect(after.slice(0, before.length - 1)).toEqual(before.slice(0, -1));
    expect(after.length - before.length).toBeLessThanOrEqual(1);
  });

  it("makes equal chunks of repeated content", () => {
    for (const content of [Buffer.alloc(10_000_000), Buffer.alloc(10_000_000, "holdfast ")]) {
      expect(new Set(chunksOf(content).map(({ length }) => length)).size).toBeLessThanOrEqual(2);
    }
    expect(new Set(hashesOf(Buffer.alloc(10_000_000))).size).toBeLessThanOrEqual(2);
  });
});
