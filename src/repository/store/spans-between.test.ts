import fc from "fast-check";
import { statSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../../../test/support/temporary-folder.ts";
import type { Span } from "../../vault/index.ts";
import { SpanReader } from "./span-reader.ts";
import { spansBetween } from "./spans-between.ts";

describe("spansBetween()", () => {
  it("gives what SpanReader reads as the same bytes at the same positions, with no more spans than the part touches", () => {
    using folder = temporaryFolder();
    const path = folder.join("bytes");
    writeFileSync(path, Buffer.from(Array.from({ length: 256 }, (_, index) => index)));
    const { dev: device, ino: inode } = statSync(path, { bigint: true });
    const piece = fc.oneof(
      fc
        .record({ offset: fc.nat(200), length: fc.integer({ min: 1, max: 50 }) })
        .map((at): Span => ({ kind: "file", path, device, inode, ...at })),
      fc.integer({ min: 1, max: 50 }).map((length): Span => ({ kind: "zeros", length })),
    );
    const bytesOf = (spans: readonly Span[], from: number, to: number): Buffer => {
      using reader = new SpanReader(spans);
      const bytes = Buffer.alloc(to - from, 0xff);
      expect(reader.read(bytes, to - from, from)).toBe(to - from);
      return bytes;
    };
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 60 }), fc.nat(), fc.nat(), (spans, one, other) => {
        const size = spans.reduce((sum, { length }) => sum + length, 0);
        const [from, to] = [one % size, (other % size) + 1].toSorted((a, b) => a - b) as [number, number];
        const part = spansBetween(spans, from, to);
        expect(bytesOf(part, from, to)).toEqual(bytesOf(spans, from, to));
        if (spans.length > 16) expect(part.length).toBeLessThanOrEqual(to - from + 1);
      }),
    );
  });
});
