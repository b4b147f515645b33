import { DamageError } from "../../kernel/index.ts";
import type { FrameCache } from "../pack/frame-cache.ts";
import type { MetaSource } from "../tree/meta-store.ts";
import { resolvePageMap } from "../tree/page-map.ts";
import type { TreeEntry } from "../tree/tree-entry.ts";

/** The bytes of an entry in order, as views of decoded frames. Whether they are what the entry says is for the caller. */
export function* readTreeContent({ entry, content }: TreeEntry, frames: FrameCache, source: MetaSource): Generator<Uint8Array> {
  switch (content.kind) {
    case "none":
      if (entry.size === 0) return;
      throw new DamageError("BACKUP_DAMAGED", `The backup is damaged: "${entry.path}" has ${entry.size} bytes, and they lie nowhere`, {
        hint: "Use another backup",
      });
    case "place":
      yield frames.get(content.place);
      return;
    case "chunks":
      for (const { place } of content.chunks) yield frames.get(place);
      return;
    default:
      for (const { pages, ...place } of resolvePageMap(source, content.map).extents())
        yield frames.get({ ...place, length: pages * content.map.pageSize });
  }
}
