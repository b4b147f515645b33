import { hash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { storedEntry } from "../../../test/support/arbitrary-tree.ts";
import { MemoryMetadata } from "../../../test/support/memory-metadata.ts";
import type { PackId } from "../pack/locator.ts";
import type { Keeping } from "./reference-index.ts";
import type { TreeRoot } from "./roots.ts";
import type { Chunk, TreeEntry } from "./tree-entry.ts";
import { ReferenceIndex } from "./reference-index.ts";
import { readEntries, readRuns, readStoredEntries, runReferences, treeReferences, type ReadRun } from "./tree-reader.ts";
import { TreeWriter } from "./tree-writer.ts";

const KEY = Buffer.alloc(32, 3);
const PACKS = ["00000000000000aa", "00000000000000bb"] as PackId[];
const DAMAGED = expect.objectContaining({ code: "BACKUP_DAMAGED" }) as unknown;

/** A note as a memory folder has thousands of them; `version` stands for what is written in it. */
function note(number: number, version = 0): TreeEntry {
  const size = 500 + ((number * 7919) % 6000);
  const place = { pack: PACKS[version > 0 ? 1 : 0]!, frame: number >> 8, offset: (number & 255) * 4096, length: size };
  return {
    entry: {
      path: `notes/${String(number >> 6).padStart(5, "0")}/note-${String(number).padStart(7, "0")}.md`,
      type: "file",
      mode: 0o644,
      uid: 1000,
      gid: 1000,
      user: "acme",
      group: "acme",
      mtime_ns: String(1_700_000_000_000_000_000n + BigInt(number) * 1_234_567_891n + BigInt(version)),
      size,
      sha256: hash("sha256", `${number} ${version}`, "hex"),
    },
    content: { kind: "place", place },
  };
}

function notes(count: number): TreeEntry[] {
  return Array.from({ length: count }, (_, number) => note(number));
}

function write(entries: Iterable<TreeEntry>, keeping: Keeping & { readonly store: MemoryMetadata }, previous?: TreeRoot): TreeRoot {
  const index = previous === undefined ? {} : { previous: new ReferenceIndex(treeReferences(keeping.store, previous)) };
  const writer = new TreeWriter({ boundaryKey: KEY, ...keeping, ...index });
  for (const entry of entries) writer.add(entry);
  return writer.finish();
}

function read(store: MemoryMetadata, root: TreeRoot): readonly TreeEntry[] {
  return [...readEntries(store, root)];
}

describe("TreeWriter", () => {
  it("writes a tree that readStoredEntries() gives back, whatever its entries are", () => {
    const entries = fc.array(
      storedEntry.filter(({ content }) => content.kind !== "chunks"),
      { maxLength: 150, size: "max" },
    );
    fc.assert(
      fc.property(entries, (tree) => {
        const store = new MemoryMetadata();
        const root = write(tree as TreeEntry[], { store });
        expect([...readStoredEntries(store, root)]).toEqual(tree);
      }),
      { numRuns: 15 },
    );
  });

  it("puts nothing for a tree that is unchanged, and gives the same root", () => {
    const store = new MemoryMetadata();
    const root = write(notes(2000), { store });
    const stored = store.objects.size;
    expect(write(read(store, root), { store }, root)).toEqual(root);
    expect(store.objects.size).toBe(stored);
    expect(root.level).toBe(0);
  });

  it("gives the tree that it gives from nothing when runs are kept whole, whatever lies between them", () => {
    const store = new MemoryMetadata();
    const before = notes(1500);
    const root = write(before, { store });
    const runs = [...readRuns(store, root)];
    const edit = fc.record({ at: fc.nat(1499), kind: fc.constantFrom("changed", "gone", "new") });
    fc.assert(
      fc.property(fc.array(edit, { maxLength: 30 }), (edits) => {
        const kinds = new Map(edits.map(({ at, kind }) => [at, kind]));
        const index = new ReferenceIndex(treeReferences(store, root));
        const writer = new TreeWriter({ boundaryKey: KEY, store, previous: index });
        const now: TreeEntry[] = [];
        let number = 0;
        for (const run of runs) {
          const from = number;
          number += run.entries.length;
          const isKept = !run.entries.some((_, offset) => kinds.has(from + offset));
          if (isKept) now.push(...run.entries);
          if (isKept && writer.keep(run)) continue;
          for (const [offset, entry] of run.entries.entries()) {
            const kind = kinds.get(from + offset);
            const changed = kind === "gone" ? [] : kind === "changed" ? [note(from + offset, 1)] : [entry];
            const { path } = entry.entry;
            const added = kind === "new" ? [{ ...entry, entry: { ...entry.entry, path: `${path}-new` } }] : [];
            for (const one of [...changed, ...added]) {
              writer.add(one);
              if (!isKept) now.push(one);
            }
          }
        }
        const other = new MemoryMetadata();
        const bytesOf = (from: MemoryMetadata, tree: TreeRoot): readonly string[] =>
          tree.references.map(({ hash: name, entries }) => `${name} ${entries} ${from.objects.size > 0}`);
        const kept = writer.finish();
        expect(bytesOf(store, kept)).toEqual(bytesOf(other, write(now, { store: other })));
        expect(read(store, kept)).toEqual(now);
      }),
      { numRuns: 60 },
    );
  });

  it("puts one run for an entry that changed, and hardly ever more than two for one that came or went", () => {
    const store = new MemoryMetadata();
    const before = notes(1500);
    const root = write(before, { store });
    for (let number = 11; number < 1500; number += 287) {
      const stored = store.objects.size;
      const changed = before.with(number, note(number, 1));
      expect(read(store, write(changed, { store }, root))).toEqual(changed);
      expect(store.objects.size).toBe(stored + 1);
    }
    const stored = store.objects.size;
    expect(read(store, write(before.toSpliced(800, 1), { store }, root))).toHaveLength(1499);
    expect(store.objects.size).toBeLessThanOrEqual(stored + 2);
  });

  it("cuts runs where a tree that has nothing before it is cut, whatever changed, came or went", () => {
    const store = new MemoryMetadata();
    const root = write(notes(600), { store });
    const runs = new Map<string, ReadRun>();
    const before = [...readRuns(store, root)].flatMap((run) => {
      runs.set(run.entries[0]!.entry.path, run);
      return run.entries;
    });
    // Of each: as it was, changed, gone, or with another one behind it.
    const fates = fc.array(fc.constantFrom(...Array.from({ length: 40 }, () => "kept"), "changed", "gone", "joined"), {
      minLength: before.length,
      maxLength: before.length,
    });
    fc.assert(
      fc.property(fates, (fate) => {
        const entries = before.flatMap((entry, number) => {
          if (fate[number] === "gone") return [];
          if (fate[number] === "changed") return [note(number, 1)];
          const { content, entry: facts } = entry;
          return fate[number] === "joined" ? [entry, { content, entry: { ...facts, path: `${facts.path}.also` } }] : [entry];
        });
        const writer = new TreeWriter({
          boundaryKey: KEY,
          store,
          previous: new ReferenceIndex(root.references),
          runFrom: (path) => runs.get(path),
        });
        for (const entry of entries) writer.add(entry);
        const hashes = ({ references }: TreeRoot): readonly string[] => references.map((reference) => reference.hash);
        expect(hashes(writer.finish())).toEqual(hashes(write(entries, { store: new MemoryMetadata() })));
      }),
      { numRuns: 30 },
    );
  });

  it("writes anew the runs that may not be named where they lie", () => {
    const store = new MemoryMetadata();
    const root = write(notes(1000), { store });
    const stored = store.objects.size;
    const [tired] = root.references;
    const again = write(notes(1000), { store, reuse: (reference) => reference !== tired }, root);
    expect(store.objects.size).toBe(stored + 1);
    expect(again.references[0]).toEqual({ ...tired, place: again.references[0]?.place });
    expect(again.references[0]?.place).not.toEqual(tired?.place);
    expect(read(store, again)).toEqual(notes(1000));
  });

  it("puts the references of more than 2,000 runs into blocks, of which an unchanged one is named again", () => {
    const store = new MemoryMetadata();
    const folders = Array.from({ length: 70_000 }, (_, number): TreeEntry => {
      return {
        entry: { path: `folder-${number}`, type: "directory", mode: 0o755, uid: 0, gid: 0, mtime_ns: "0", size: 0 },
        content: { kind: "none" },
      };
    });
    const root = write(folders, { store });
    expect(root.level).toBe(1);
    expect(root.references.length).toBeGreaterThan(3);
    expect([...runReferences(store, root)].length).toBeGreaterThan(2000);
    const stored = store.objects.size;
    expect(write(folders, { store }, root)).toEqual(root);
    expect(store.objects.size).toBe(stored);
    const changed = folders.with(30_000, note(30_000));
    const after = write(changed, { store }, root);
    // One run, and the block that refers to it: two or three when the new hash of the run cuts elsewhere.
    expect(store.objects.size).toBeLessThanOrEqual(stored + 4);
    expect(isDeepStrictEqual(read(store, after), changed)).toBe(true);
  });

  it("keeps the chunks of a large file in blocks, and ends a run behind a file with many of them", () => {
    const store = new MemoryMetadata();
    // Hashes that end a block wherever one may end.
    const chunks = Array.from({ length: 16 * 300 }, (_, number): Chunk => {
      return {
        length: 10,
        hash: number.toString(16).padStart(32, "0"),
        place: { pack: PACKS[0]!, frame: number, offset: 0, length: 10 },
      };
    });
    const entry: TreeEntry = { entry: { ...note(2).entry, size: 16 * 300 * 10 }, content: { kind: "chunks", chunks } };
    const tree = [note(0), note(1), entry, note(3), note(4)];
    const root = write(tree, { store });
    expect(root.references.map(({ entries }) => entries)).toEqual([3, 2]);
    const back = read(store, root);
    expect(back.map((one) => one.entry)).toEqual(tree.map((one) => one.entry));
    expect(back[2]?.content).toMatchObject({ kind: "chunks", chunks });
    const stored = store.objects.size;
    expect(write(back, { store }, root)).toEqual(root);
    expect(store.objects.size).toBe(stored);
  });

  it("tells at any time of the tree so far, which is that of its entries, and goes on as if it had not been asked", () => {
    const store = new MemoryMetadata();
    const [writer, other] = [
      new TreeWriter({ boundaryKey: KEY, store }),
      new TreeWriter({ boundaryKey: KEY, store: new MemoryMetadata() }),
    ];
    const all = notes(400);
    for (const [index, entry] of all.entries()) {
      writer.add(entry);
      other.add(entry);
      if (index % 37 !== 0) continue;
      const also = note(100_000 + index);
      expect(read(store, writer.soFar([also]))).toEqual([...all.slice(0, index + 1), also]);
    }
    const hashes = ({ references }: TreeRoot): readonly string[] => references.map((reference) => reference.hash);
    const root = writer.finish();
    expect(read(store, root)).toEqual(all);
    expect(hashes(root)).toEqual(hashes(other.finish()));
  });

  it("puts a million bytes of new runs while entries come, and the rest at the end", () => {
    const store = new MemoryMetadata();
    const writer = new TreeWriter({ boundaryKey: KEY, store });
    let first = 0;
    for (let number = 0; number < 20_000; number += 1) {
      writer.add(note(number));
      if (store.objects.size > 0 && first === 0) first = number;
    }
    expect(store.bytes).toBeGreaterThan(1024 * 1024);
    expect(first).toBeGreaterThan(5000);
    const put = store.bytes;
    writer.finish();
    expect(store.bytes - put).toBeLessThan(1024 * 1024 + 10_000);
    expect(store.bytes).toBeGreaterThan(put);
  });

  it("asks for contents that come later when their run is written, and not before", () => {
    const store = new MemoryMetadata();
    const writer = new TreeWriter({ boundaryKey: KEY, store });
    let known = false;
    const [before, later, behind] = [note(1), note(2), note(3)];
    writer.add(before);
    writer.add({
      entry: later.entry,
      content: () => {
        if (!known) throw new Error("asked too early");
        return later.content;
      },
    });
    for (let number = 3; number < 300; number += 1) writer.add(note(number));
    known = true;
    expect(read(store, writer.finish()).slice(0, 3)).toEqual([before, later, behind]);
  });

  it("names a run in which an entry was made again and says the same", () => {
    const store = new MemoryMetadata();
    const folder = { ...note(0).entry, path: "notes", type: "directory" as const, size: 0 };
    const { sha256: _, ...facts } = folder;
    const root = write([{ entry: facts, content: { kind: "none" } }, ...notes(20)], { store });
    const [run] = [...readRuns(store, root)];
    const named: string[] = [];
    const writer = new TreeWriter({
      boundaryKey: KEY,
      store,
      onNamed: ({ hash: name }) => void named.push(name),
      runFrom: (path) => (path === "notes" ? run : undefined),
    });
    writer.add({ entry: { ...facts }, content: { kind: "none" } });
    for (const entry of run?.entries.slice(1) ?? []) writer.add(entry);
    const stored = store.objects.size;
    // There is no index of what was there: only the run itself can have told.
    expect(writer.finish().references[0]).toBe(run?.reference);
    expect([named.length, store.objects.size]).toEqual([1, stored]);
  });
});

describe("readEntries()", () => {
  it("refuses a run, or an index block, that is not what its reference names", () => {
    const store = new MemoryMetadata();
    const { references } = write(notes(200), { store });
    const [first, second, ...others] = references;
    const swapped = [{ ...first!, place: second!.place }, second!, ...others];
    expect(() => read(store, { level: 0, references: swapped })).toThrow(DAMAGED);
    expect(() => read(store, { level: 0, references: [{ ...first!, entries: first!.entries + 1 }] })).toThrow(DAMAGED);
    expect(() => read(store, { level: 1, references: [first!] })).toThrow(DAMAGED);
    const bytes = store.at(first!.place);
    bytes[20]! ^= 4;
    expect(() => read(store, { level: 0, references })).toThrow(DAMAGED);
  });

  it("refuses a file whose chunks are not as long together as the file", () => {
    const store = new MemoryMetadata();
    const chunk: Chunk = { length: 10, hash: "ab".repeat(16), place: { pack: PACKS[0]!, frame: 0, offset: 0, length: 10 } };
    const root = write([{ entry: { ...note(2).entry, size: 11 }, content: { kind: "chunks", chunks: [chunk] } }], { store });
    expect(() => read(store, root)).toThrow("have 10 bytes, and the file has 11");
  });
});
