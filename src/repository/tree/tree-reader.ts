import { readChunks } from "./chunk-blocks.ts";
import { decodeIndex } from "./index-block.ts";
import type { MetaSource } from "./meta-store.ts";
import { checkCount, damaged, readObject, type Reference } from "./reference.ts";
import type { TreeRoot } from "./roots.ts";
import { decodeRun } from "./run-codec.ts";
import type { StoredEntry, TreeEntry } from "./tree-entry.ts";

/**
 * The entries of a tree in stored order, one run in memory at a time. Every object is compared with the hash of its
 * reference. The order is not looked at, nor how many there are: who reads a tree that may be hostile stops at the first
 * path that it has seen before, and at the count of the manifest.
 *
 * @throws DamageError BACKUP_DAMAGED
 */
export function* readEntries(source: MetaSource, root: TreeRoot): Generator<TreeEntry, void> {
  for (const { entries } of readRuns(source, root)) yield* entries;
}

/** A run, and what stands in it. */
export interface ReadRun {
  readonly reference: Reference;
  readonly entries: readonly TreeEntry[];
}

/** The same, run by run. */
export function* readRuns(source: MetaSource, root: TreeRoot): Generator<ReadRun, void> {
  for (const reference of runReferences(source, root))
    yield { reference, entries: readRun(source, reference).map((stored) => resolveEntry(source, stored)) };
}

/** The same, with the chunks of large files left in their blocks. */
export function* readStoredEntries(source: MetaSource, root: TreeRoot): Generator<StoredEntry, void> {
  for (const run of runReferences(source, root)) yield* readRun(source, run);
}

function readRun(source: MetaSource, run: Reference): readonly StoredEntry[] {
  const entries = decodeRun(readObject(source, run, "a run of entries"));
  checkCount(entries.length, run, "a run of entries");
  return entries;
}

/** @throws DamageError BACKUP_DAMAGED when the chunks are not as long together as the file */
export function resolveEntry(source: MetaSource, { entry, content }: StoredEntry): TreeEntry {
  if (content.kind !== "chunks") return { entry, content };
  const chunks = readChunks(source, content.blocks);
  const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  if (length === entry.size) return { entry, content: { ...content, chunks } };
  throw damaged(
    `Cannot trust the chunks of ${JSON.stringify(entry.path.slice(0, 200))}: they have ${length} bytes, and the file has ${entry.size}`,
  );
}

/** The references of a tree's runs, in stored order. */
export function* runReferences(source: MetaSource, root: TreeRoot): Generator<Reference, void> {
  if (root.level === 0) {
    yield* root.references;
    return;
  }
  for (const block of root.references) {
    const runs = decodeIndex(readObject(source, block, "an index of runs"));
    const entries = runs.reduce((sum, run) => sum + run.entries, 0);
    checkCount(entries, block, "an index of runs");
    yield* runs;
  }
}

/** What a new tree may refer to instead of writing it: the runs of this one, and its index blocks. */
export function treeReferences(source: MetaSource, root: TreeRoot): readonly Reference[] {
  return root.level === 0 ? root.references : [...root.references, ...runReferences(source, root)];
}
