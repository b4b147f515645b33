import { createCipheriv, createHash, hash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Chunker, LONGEST_CHUNK, SHORTEST_CHUNK } from "./chunker.ts";
import { splitContent, type PreviousChunk } from "./follow-previous.ts";

const BUFFER = new Uint8Array(4 * LONGEST_CHUNK);

interface Split {
  readonly chunks: readonly (PreviousChunk & { readonly known: number })[];
  /** Bytes over which the chunker rolled. */
  readonly scanned: number;
}

function randomBytes(seed: number, length: number): Buffer {
  const start = Buffer.alloc(16);
  start.writeUInt32LE(seed);
  return createCipheriv("aes-128-ctr", start, start).update(Buffer.alloc(length));
}

/** Splits, and holds every chunk against the content. */
function split(content: Buffer, previous: readonly PreviousChunk[] = [], buffer: Uint8Array = BUFFER, assumed = 0): Split {
  const chunker = new Chunker(Buffer.alloc(32, 7));
  const chunks: (PreviousChunk & { known: number })[] = [];
  const whole = createHash("sha256");
  let position = 0;
  let given = 0;
  const steps = splitContent({
    read: (into, wanted, from) => {
      expect(into).toHaveLength(wanted);
      return content.copy(into, 0, from, from + wanted);
    },
    size: content.length,
    chunker,
    previous,
    assumed,
    buffer,
    onBytes: (bytes) => {
      given += bytes.length;
      whole.update(bytes);
    },
  });
  for (const { bytes, hash: chunkHash, known } of steps) {
    const { length } = bytes;
    expect(length).toBeLessThanOrEqual(LONGEST_CHUNK);
    if (position + length < content.length) expect(length).toBeGreaterThanOrEqual(SHORTEST_CHUNK);
    expect(content.compare(bytes, 0, length, position, position + length)).toBe(0);
    expect(chunkHash).toBe(hash("sha256", bytes, "hex").slice(0, 32));
    if (known !== -1) expect(previous[known]).toMatchObject({ length, hash: chunkHash });
    chunks.push({ length, hash: chunkHash, known });
    position += length;
    expect(given).toBe(position);
  }
  expect(position).toBe(content.length);
  expect(whole.digest("hex")).toBe(hash("sha256", content, "hex"));
  return { chunks, scanned: chunker.scanned };
}

function knownOf({ chunks }: Split): readonly number[] {
  return chunks.map(({ known }) => known);
}

function lengthsOf({ chunks }: Split): readonly number[] {
  return chunks.map(({ length }) => length);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, each) => all + each, 0);
}

const EDIT = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  remove: fc.nat(700_000),
  insert: fc.nat(700_000),
  seed: fc.nat(1000),
  zeros: fc.boolean(),
});

describe("splitContent()", () => {
  it("gives the content after any edits, with a buffer of any size", () => {
    const before = randomBytes(1, 5_000_000);
    const base = split(before).chunks;
    fc.assert(
      fc.property(fc.array(EDIT, { maxLength: 3 }), fc.integer({ min: LONGEST_CHUNK, max: 2 * LONGEST_CHUNK }), (edits, room) => {
        let content = before;
        for (const { at, remove, insert, seed, zeros } of edits) {
          const start = Math.floor(at * content.length);
          const inserted = zeros ? Buffer.alloc(insert) : randomBytes(seed, insert);
          content = Buffer.concat([content.subarray(0, start), inserted, content.subarray(start + remove)]);
        }
        const after = split(content, base, new Uint8Array(room));
        expect(sum(lengthsOf(after))).toBe(content.length);
      }),
      { numRuns: 10 },
    );
  });

  it("gives the content whatever the previous chunks say", () => {
    const content = Buffer.concat([randomBytes(2, 1_000_000), Buffer.alloc(2_500_000), randomBytes(3, 500_000)]);
    const { chunks } = split(content);
    const length = fc.oneof(
      fc.constantFrom(...chunks.map((chunk) => chunk.length)),
      fc.constantFrom(0, -1, 1, 0.5, NaN, Infinity, SHORTEST_CHUNK, LONGEST_CHUNK + 1, 2 ** 53),
    );
    const digest = fc.constantFrom(...chunks.map((chunk) => chunk.hash), "", "0".repeat(32));
    fc.assert(
      fc.property(fc.array(fc.record({ length, hash: digest }), { maxLength: 10 }), (previous) => {
        expect(sum(lengthsOf(split(content, previous)))).toBe(content.length);
      }),
      { numRuns: 15 },
    );
  });

  it("searches nothing in content that did not change", () => {
    const content = Buffer.concat([randomBytes(4, 6_000_000), Buffer.alloc(3_000_000)]);
    const before = split(content);
    const after = split(content, before.chunks);
    expect(before.scanned).toBeGreaterThan(4_000_000);
    expect(after.scanned).toBe(0);
    expect(knownOf(after)).toEqual(before.chunks.map((_, index) => index));
  });

  const cutAt = (content: Buffer, lengths: readonly number[]): readonly PreviousChunk[] =>
    lengths.map((length, index) => {
      const start = sum(lengths.slice(0, index));
      return { length, hash: hash("sha256", content.subarray(start, start + length), "hex").slice(0, 32) };
    });

  it("keeps previous boundaries that the chunker would not set", () => {
    const content = randomBytes(5, 1_200_000);
    const after = split(content, cutAt(content, [300_000, 500_000, 400_000]));
    expect(lengthsOf(after)).toEqual([300_000, 500_000, 400_000]);
    expect(after.scanned).toBe(0);
  });

  it("does not keep previous chunks beyond the limits, true as they are", () => {
    const content = randomBytes(5, 2_600_000);
    const fresh = lengthsOf(split(content));
    expect(lengthsOf(split(content, cutAt(content, [SHORTEST_CHUNK - 1, 600_000, 400_000])))).toEqual(fresh);
    expect(lengthsOf(split(content, cutAt(content, [LONGEST_CHUNK + 1, 600_000, 400_000])))).toEqual(fresh);
    expect(lengthsOf(split(content, cutAt(content, [content.length])))).toEqual(fresh);
  });

  it("searches one chunk before and one behind a changed byte", () => {
    const content = randomBytes(6, 10_000_000);
    const before = split(content);
    content[5_000_000]! ^= 1;
    const after = split(content, before.chunks);
    expect(knownOf(after).filter((known) => known === -1)).toHaveLength(1);
    expect(lengthsOf(after)).toEqual(lengthsOf(before));
    expect(after.scanned).toBeGreaterThan(0);
    expect(after.scanned).toBeLessThan(2 * LONGEST_CHUNK);
  });

  it("meets the previous chunks again behind an insertion", () => {
    const content = randomBytes(7, 20_000_000);
    const before = split(content);
    const after = split(Buffer.concat([content.subarray(0, 10_000_000), randomBytes(8, 100), content.subarray(10_000_000)]), before.chunks);
    expect(knownOf(after).filter((known) => known === -1).length).toBeLessThanOrEqual(3);
    expect(after.scanned).toBeLessThan(5 * LONGEST_CHUNK);
  });

  it("meets chunks that moved to another place", () => {
    const [one, two] = [randomBytes(9, 4_000_000), randomBytes(10, 4_000_000)];
    const after = split(Buffer.concat([two, one]), split(Buffer.concat([one, two])).chunks);
    expect(knownOf(after).filter((known) => known === -1).length).toBeLessThanOrEqual(5);
  });

  it("makes of a log that grows what it makes of the whole: an append leaves no short chunk behind", () => {
    const log = randomBytes(11, 3_000_000);
    let { chunks } = split(log.subarray(0, 1_000_000));
    for (let size = 1_000_000; size <= log.length; size += 200_000) {
      const after = split(log.subarray(0, size), chunks);
      expect(knownOf(after).filter((known) => known === -1).length).toBeLessThanOrEqual(2);
      ({ chunks } = after);
    }
    expect(chunks.map(({ length }) => length)).toEqual(lengthsOf(split(log)));
  });

  it("makes the same of a log that grew when all but its last chunk are assumed", () => {
    const log = randomBytes(11, 3_000_000);
    for (const size of [400_000, 1_500_000, 2_900_000]) {
      const before = split(log.subarray(0, size)).chunks;
      expect(split(log, before, BUFFER, before.length - 1)).toEqual(split(log, before));
    }
  });

  it.each([
    ["zeros", Buffer.alloc(4 * 1024 * 1024), randomBytes(21, 3 * 1024 * 1024)],
    ["lines that repeat", Buffer.alloc(4 * 1024 * 1024, "heartbeat 15:00\n"), randomBytes(22, 3 * 1024 * 1024)],
    [
      "a part of itself",
      randomBytes(23, 8_000_000),
      Buffer.concat([randomBytes(23, 8_000_000).subarray(2_000_000, 5_000_000), randomBytes(24, 3_000_000)]),
    ],
  ])("takes nothing behind the front of a log for granted: %s, and more", (_, log, more) => {
    const before = split(log).chunks;
    const grown = Buffer.concat([log, more]);
    // Every chunk is held against the content in there.
    expect(split(grown, before, BUFFER, before.length - 1)).toEqual(split(grown, before));
  });

  it("follows repeated content", () => {
    const content = Buffer.alloc(10_000_000);
    const before = split(content);
    expect(split(content, before.chunks).scanned).toBe(0);
    const longer = split(Buffer.alloc(12_000_000), before.chunks);
    expect(knownOf(longer).slice(0, -1)).not.toContain(-1);
    const later = split(Buffer.concat([randomBytes(12, 1000), content]), before.chunks);
    expect(knownOf(later).filter((known) => known === -1).length).toBeLessThanOrEqual(3);
    expect(later.scanned).toBeLessThan(4 * LONGEST_CHUNK);
  });

  it("reads nothing of empty content, and drops the previous chunks", () => {
    expect(split(Buffer.alloc(0), split(randomBytes(13, 10)).chunks).chunks).toEqual([]);
  });

  it("fails when the content ends early, and when the buffer is too small", () => {
    const content = { size: 2_000_000, chunker: new Chunker(Buffer.alloc(32)), previous: [], onBytes: () => undefined };
    const shrunk = splitContent({ ...content, buffer: BUFFER, read: (_, wanted) => wanted - 1 });
    expect(() => shrunk.next()).toThrow(expect.objectContaining({ code: "COMPONENT_MOVED" }));
    const cramped = splitContent({ ...content, buffer: new Uint8Array(LONGEST_CHUNK - 1), read: (_, wanted) => wanted });
    expect(() => cramped.next()).toThrow(expect.objectContaining({ code: "INTERNAL" }));
  });
});
