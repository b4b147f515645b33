import { describe, expect, it } from "vitest";
import { MemoryMetadata } from "../../../test/support/memory-metadata.ts";
import type { Locator, PackId } from "../pack/locator.ts";
import { PackUse } from "./pack-use.ts";
import { updatePageMap } from "./page-map.ts";
import type { EntryFacts } from "./tree-entry.ts";
import { TreeWriter } from "./tree-writer.ts";

const [A, B, C] = ["00000000000000aa", "00000000000000bb", "00000000000000cc"] as [PackId, PackId, PackId];

function file(path: string, size: number): EntryFacts {
  return { path, type: "file", mode: 0o600, uid: 0, gid: 0, mtime_ns: "0", size, sha256: "00".repeat(32) };
}

function place(pack: PackId, frame: number, offset: number, length: number): Locator {
  return { pack, frame, offset, length };
}

describe("PackUse", () => {
  it("counts every byte once that entries, chunks, pages and metadata name, by pack", () => {
    const store = new MemoryMetadata();
    const writer = new TreeWriter({ store, boundaryKey: Buffer.alloc(32) });
    const places = [place(C, 1, 4096, 2 * 4096), place(C, 0, 0, 4096)];
    const { ref } = updatePageMap({ store, pageSize: 4096, pages: 3, changed: [0, 1, 2], places });
    writer.add({ entry: file("a", 100), content: { kind: "place", place: place(A, 3, 50, 100) } });
    writer.add({ entry: file("b", 100), content: { kind: "place", place: place(A, 3, 50, 100) } });
    writer.add({ entry: file("c", 60), content: { kind: "place", place: place(A, 3, 140, 60) } });
    writer.add({ entry: file("d", 7), content: { kind: "place", place: place(A, 0, 50, 7) } });
    const chunks = [10, 20].map((length) => ({ length, hash: "00".repeat(16), place: place(B, 0, length, length) }));
    writer.add({ entry: file("e", 30), content: { kind: "chunks", chunks } });
    writer.add({ entry: { ...file("f", 3 * 4096), database: true }, content: { kind: "pages", map: ref } });
    const use = new PackUse();
    use.addTree(store, writer.finish());
    expect(Object.fromEntries(use.packs())).toEqual({
      [A]: { metadata: 0, content: 100 + 50 + 7 },
      [B]: { metadata: 0, content: 30 },
      [C]: { metadata: 0, content: 3 * 4096 },
      [store.pack]: { metadata: store.bytes, content: 0 },
    });
    expect([...use.packs().keys()]).toEqual([A, B, C, store.pack].toSorted());
  });

  it("of several together counts what more than one of them names once, and leaves each as it was", () => {
    const [one, other] = [new PackUse(), new PackUse()];
    one.addContent(place(A, 0, 0, 100));
    other.addContent(place(A, 0, 50, 100));
    other.addContent(place(B, 0, 0, 1));
    other.addMetadata(place(A, 1, 0, 7));
    expect(Object.fromEntries(PackUse.of([one, other]).packs())).toEqual({
      [A]: { metadata: 7, content: 150 },
      [B]: { metadata: 0, content: 1 },
    });
    expect(Object.fromEntries(one.packs())).toEqual({ [A]: { metadata: 0, content: 100 } });
  });
});
