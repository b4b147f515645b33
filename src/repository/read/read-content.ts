import { DamageError } from "../../kernel/index.ts";
import type { ContentPart } from "../../vault/index.ts";
import type { FrameCache } from "../pack/frame-cache.ts";
import { readChunks } from "../tree/chunk-blocks.ts";
import type { MetaSource } from "../tree/meta-store.ts";
import { StoredMap } from "../tree/stored-map.ts";
import type { PageMapRef, StoredContent, TreeEntry } from "../tree/tree-entry.ts";

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
      yield* readPages(content.map, frames, source);
  }
}

/**
 * The same of a content as a run has it: what lies in blocks of its own is read from them first.
 *
 * @param part of a content that lies in pages; begins and ends where pages do
 */
export function* readStoredContent(content: StoredContent, frames: FrameCache, part?: ContentPart): Generator<Uint8Array> {
  if (content.kind === "none") return;
  if (content.kind === "place") yield frames.get(content.place);
  else if (content.kind === "chunks") for (const { place } of readChunks(frames, content.blocks)) yield frames.get(place);
  else yield* readPages(content.map, frames, frames, part);
}

function* readPages(map: PageMapRef, frames: FrameCache, source: MetaSource, part?: ContentPart): Generator<Uint8Array> {
  const stored = new StoredMap(source, map);
  const extents = part === undefined ? stored.extents() : stored.extents(part.from / map.pageSize, part.to / map.pageSize);
  for (const { pages, ...place } of extents) yield frames.get({ ...place, length: pages * map.pageSize });
}
