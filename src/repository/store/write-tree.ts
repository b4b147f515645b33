import { InternalError } from "../../kernel/index.ts";
import type { Locator } from "../pack/locator.ts";
import type { PackUse } from "../tree/pack-use.ts";
import type { Keeping } from "../tree/reference-index.ts";
import type { ComponentRoot } from "../tree/roots.ts";
import type { TreeContent } from "../tree/tree-entry.ts";
import { TreeWriter } from "../tree/tree-writer.ts";
import type { ComponentState } from "./component-state.ts";
import type { FrameStore } from "./frame-store.ts";
import type { Kept } from "./kept.ts";
import { isSameTree, type StoredEntry } from "./same-tree.ts";

export interface TreePlace {
  /** Where metadata goes. */
  readonly frames: FrameStore;
  readonly boundaryKey: Uint8Array;
  /** Counts what the tree names. */
  readonly use: PackUse;
}

/**
 * Writes the tree of a component, as far as it is not that of the backup before.
 *
 * @param partly a database of which only the front is stored
 */
export function writeTree(
  { name, base, entries }: ComponentState,
  { frames, boundaryKey, use }: TreePlace,
  partly?: StoredEntry,
): ComponentRoot {
  if (entries === "as-before") {
    if (base === undefined) throw new InternalError(`Component "${name}" is as before, and there is nothing before it`);
    return { name, root: base.root };
  }
  const counted = (place: Locator): Locator => {
    use.addMetadata(place);
    return place;
  };
  const keeping: Keeping = {
    store: { put: (bytes) => counted(frames.put(bytes)) },
    reuse: ({ place }) => base?.keeps(place.pack) === true && counted(place) === place,
  };
  if (base !== undefined && partly === undefined && isSameTree(entries, base)) {
    for (const { place } of base.references) counted(place);
    for (const { kept } of entries) {
      contentOf(kept, keeping, use);
      if (kept.kind === "chunks") for (const { place } of kept.blocks ?? []) counted(place);
    }
    return { name, root: base.root };
  }
  const tree = new TreeWriter({ ...keeping, boundaryKey, ...(base === undefined ? {} : { previous: base.index, runOf: base.runOf }) });
  const add = ({ entry, kept }: StoredEntry): void => tree.add({ entry, content: contentOf(kept, keeping, use) });
  for (const stored of entries) add(stored);
  if (partly !== undefined) add(partly);
  return { name, root: tree.finish() };
}

function contentOf(kept: Kept, keeping: Keeping, use: PackUse): TreeContent {
  if (kept.kind === "place") use.addContent(kept.place);
  if (kept.kind === "chunks") for (const { place } of kept.chunks) use.addContent(place);
  if (kept.kind !== "pages" && kept.kind !== "map") return kept;
  const { ref, resolved } = kept.kind === "map" ? kept.map : kept.writeMap(keeping);
  if (kept.kind === "map") for (const { place } of [...ref.blocks, ...ref.layers]) use.addMetadata(place);
  use.addPages(resolved);
  return { kind: "pages", map: ref };
}
