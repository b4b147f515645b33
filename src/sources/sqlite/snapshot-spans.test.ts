import { describe, expect, it } from "vitest";
import { snapshotSpans } from "./snapshot-spans.ts";

const file = { path: "/db", identity: { device: 1n, inode: 2n }, size: 4 * 512 };
const at = (offset: number, length: number): object => ({ kind: "file", path: "/db", device: 1n, inode: 2n, offset, length });
const frame = (number: number): object => ({
  kind: "file",
  path: "/db-wal",
  device: 1n,
  inode: 3n,
  offset: 32 + (number - 1) * 536 + 24,
  length: 512,
});
const log = (...pages: number[]): object => ({ path: "/db-wal", identity: { device: 1n, inode: 3n }, pageOf: Uint32Array.from(pages) });
const spans = (pages: number, logged: object | null): object[] => snapshotSpans({ pageSize: 512, pages, file, log: logged as never });

describe("snapshotSpans()", () => {
  it("takes the last frame of a page, neighbours of the file as one span, and zeros past its end", () => {
    expect(spans(4, null)).toEqual([at(0, 2048)]);
    expect(spans(3, null)).toEqual([at(0, 1536)]);
    expect(spans(7, null)).toEqual([at(0, 2048), { kind: "zeros", length: 1536 }]);
    expect(spans(4, log(2, 3, 2))).toEqual([at(0, 512), frame(3), frame(2), at(1536, 512)]);
    expect(spans(6, log(6, 1))).toEqual([frame(2), at(512, 1536), { kind: "zeros", length: 512 }, frame(1)]);
  });

  it("leaves out frames of pages behind the end, which a later commit cut off", () => {
    expect(spans(2, log(9, 1, 3))).toEqual([frame(2), at(512, 512)]);
  });

  it("is as long as the pages are, wherever the file ends", () => {
    for (let size = 0; size <= 2048; size += 100) {
      const all = snapshotSpans({ pageSize: 512, pages: 5, file: { ...file, size }, log: log(3) as never });
      expect(all.reduce((sum, { length }) => sum + length, 0)).toBe(5 * 512);
    }
  });
});
