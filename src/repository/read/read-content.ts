import { DamageError } from "../../kernel/index.ts";
import type { ContentPart } from "../../vault/index.ts";
import type { FrameCache } from "../pack/frame-cache.ts";
import { readChunks } from "../tree/chunk-blocks.ts";
import type { MetaSource } from "../tree/meta-store.ts";
import { StoredMap } from "../tree/stored-map.ts";
import type { StoredContent, TreeEntry } from "../tree/tree-entry.ts";

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
      yield* readPages(new StoredMap(source, content.map), frames);
  }
}

/** The same of a content as a run has it, but of pages: what lies in blocks of its own is read from them first. */
export function* readStoredContent(content: Exclude<StoredContent, { kind: "pages" }>, frames: FrameCache): Generator<Uint8Array> {
  if (content.kind === "none") return;
  if (content.kind === "place") yield frames.get(content.place);
  else for (const { place } of readChunks(frames, content.blocks)) yield frames.get(place);
}

/** @param part begins and ends where pages do; all of them unless given */
export function* readPages(map: StoredMap, frames: FrameCache, part?: ContentPart): Generator<Uint8Array> {
  const extents = part === undefined ? map.extents() : map.extents(part.from / map.pageSize, part.to / map.pageSize);
  for (const { pages, ...place } of extents) yield frames.get({ ...place, length: pages * map.pageSize });
}
