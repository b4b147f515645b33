import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ContentCheck, GROUP_BYTES, GroupSums, isProved, PagesHash, proofOf } from "./content-proof.ts";

const CONTENT = createHash("shake256", { outputLength: 5 * GROUP_BYTES + 1234 })
  .update("content")
  .digest();

function sumsOf(content: Uint8Array): readonly Buffer[] {
  const starts = Array.from({ length: Math.ceil(content.length / GROUP_BYTES) }, (_, group) => group * GROUP_BYTES);
  return starts.map((start) =>
    createHash("sha256")
      .update(content.subarray(start, start + GROUP_BYTES))
      .digest(),
  );
}

function plainly(content: Uint8Array): string {
  return createHash("sha256")
    .update(Buffer.concat(sumsOf(content)))
    .digest("hex");
}

/** Cut where it is said, and where a group ends or does not. */
function* piecesOf(content: Uint8Array, cuts: readonly number[]): Generator<Uint8Array> {
  const ends = [...cuts.map((cut) => cut % content.length).toSorted((a, b) => a - b), content.length];
  for (const [index, end] of ends.entries()) yield content.subarray(ends[index - 1] ?? 0, end);
}

describe("PagesHash", () => {
  it("is the hash over the hashes of groups, in whichever pieces the content comes", () => {
    const cut = fc.oneof(fc.nat(CONTENT.length), fc.constantFrom(GROUP_BYTES, 2 * GROUP_BYTES, 3 * GROUP_BYTES - 1));
    fc.assert(
      fc.property(fc.array(cut, { maxLength: 12 }), (cuts) => {
        const hash = new PagesHash();
        for (const piece of piecesOf(CONTENT, cuts)) hash.update(piece);
        expect(hash.digest()).toBe(plainly(CONTENT));
      }),
      { numRuns: 30 },
    );
  });

  it.each([1, GROUP_BYTES - 1, GROUP_BYTES, GROUP_BYTES + 1, 3 * GROUP_BYTES])(
    "takes the hashes of groups in place of %i bytes",
    (length) => {
      const content = CONTENT.subarray(0, length);
      const hash = new PagesHash();
      for (const sum of sumsOf(content)) hash.addSums(sum);
      expect(hash.digest()).toBe(plainly(content));
    },
  );
});

describe("GroupSums", () => {
  it("gives the hashes of the groups of a part, in whichever pieces it comes", () => {
    const part = CONTENT.subarray(2 * GROUP_BYTES);
    for (const cuts of [[], [1], [GROUP_BYTES, 2 * GROUP_BYTES], [GROUP_BYTES - 1, GROUP_BYTES + 1]]) {
      const sums = new GroupSums();
      for (const piece of piecesOf(part, cuts)) sums.update(piece);
      expect(Buffer.from(sums.end()).equals(Buffer.concat(sumsOf(CONTENT).slice(2)))).toBe(true);
    }
  });
});

describe("what an entry records of its content", () => {
  const sha256 = createHash("sha256").update(CONTENT).digest("hex");
  const proofs = [{ sha256 }, { pages_sha256: plainly(CONTENT) }, { sha256, pages_sha256: plainly(CONTENT) }];

  it.each(proofs)("holds of that content and of no other: %o", (proof) => {
    for (const changed of [0, GROUP_BYTES, CONTENT.length - 1]) {
      const other = Buffer.from(CONTENT);
      other.writeUInt8(other.readUInt8(changed) ^ 1, changed);
      expect([CONTENT, other, CONTENT.subarray(0, -1)].map((content) => isProved(content, proof))).toEqual([true, false, false]);
      const check = new ContentCheck(proof);
      for (const piece of piecesOf(other, [100_000])) check.update(piece);
      expect(check.holds()).toBe(false);
    }
  });

  it("holds of nothing when nothing is recorded, and not when one of two is of something else", () => {
    expect(isProved(Buffer.alloc(0), {})).toBe(false);
    expect(new ContentCheck({}).holds()).toBe(false);
    for (const wrong of [{ sha256: "0".repeat(64) }, { pages_sha256: "0".repeat(64) }])
      expect(isProved(CONTENT, { sha256, pages_sha256: plainly(CONTENT), ...wrong })).toBe(false);
  });

  it("is what an entry has of it", () => {
    const entry = { path: "a", type: "file", mode: 0o600, uid: 0, gid: 0, mtime_ns: "0", size: 1 } as const;
    expect(proofOf({ ...entry, sha256, database: true })).toEqual({ sha256 });
    expect(proofOf(entry)).toEqual({});
  });
});
