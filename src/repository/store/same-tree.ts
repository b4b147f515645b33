import type { EntryFacts, TreeEntry } from "../tree/tree-entry.ts";
import type { Base } from "./base.ts";
import type { EntryTape } from "./entry-tape.ts";
import type { Kept } from "./kept.ts";

export interface StoredEntry {
  readonly entry: EntryFacts;
  readonly kept: Kept;
}

const FIELDS = [
  "path",
  "type",
  "mode",
  "uid",
  "gid",
  "user",
  "group",
  "mtime_ns",
  "size",
  "sha256",
  "target",
  "hard_link",
  "sparse",
  "database",
] as const satisfies readonly (keyof EntryFacts)[];

/**
 * Whether a component is in every respect what it was in the base, and all of that may be named where it lies: then its
 * whole tree is, and none of it is written to find that out.
 */
export function isSameTree(entries: EntryTape, base: Base): boolean {
  if (entries.length !== base.entries.length || !base.references.every(({ place }) => base.keeps(place.pack))) return false;
  const stored = entries[Symbol.iterator]();
  for (const before of base.entries) {
    const now = stored.next();
    if (now.done === true || !isSameContent(now.value.kept, before, base) || !isSameFacts(now.value.entry, before.entry)) return false;
  }
  return true;
}

/** What was taken over is the very object that was read from the base. */
function isSameContent(kept: Kept, { content }: TreeEntry, base: Base): boolean {
  if (content.kind === "chunks" && (content.blocks ?? []).some(({ place }) => !base.keeps(place.pack))) return false;
  if (kept.kind === "map") return content.kind === "pages" && kept.map.ref === content.map;
  return kept === content || (kept.kind === "none" && content.kind === "none");
}

function isSameFacts(one: EntryFacts, other: EntryFacts): boolean {
  return one === other || FIELDS.every((field) => one[field] === other[field]);
}
