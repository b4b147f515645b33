import type { ByteReader } from "../bytes/byte-reader.ts";
import type { ByteWriter } from "../bytes/byte-writer.ts";
import type { PackId } from "../pack/locator.ts";
import { readPackNumber, readPlace, writePlace, type PackNumbers } from "./place.ts";
import { readReference, SMALLEST_REFERENCE, writeReference, type Reference } from "./reference.ts";
import type { PageMapRef, StoredContent } from "./tree-entry.ts";

/** By the two bits of an entry's flags. */
export const CONTENTS = ["none", "place", "chunks", "pages"] as const;

/** Pages that one base block covers. */
export const BLOCK_PAGES = 16_384;
/** Above this a database is stored in chunks like any file: its map would not fit into memory. 1 TiB of pages of 4 KiB. */
export const PAGES_LIMIT: number = 2 ** 28;
/** Layers over a base; a reader merges them all. */
export const LAYERS_LIMIT = 16;
/** Pages of one layer: its object fits into a frame, whatever the pages are. */
export const LAYER_PAGES = 262_144;

/** @param byGroups whether the hash of the entry is the one over groups */
export function writeContent(writer: ByteWriter, content: StoredContent, packs: PackNumbers, byGroups: boolean): void {
  if (content.kind === "place") writePlace(writer, packs, content.place);
  if (content.kind === "chunks") writeReferences(writer, content.blocks, packs);
  if (content.kind !== "pages") return;
  // A page size is even.
  writer.varint(content.map.pageSize + (byGroups ? 1 : 0)).varint(content.map.pages);
  writeReferences(writer, content.map.blocks, packs);
  writeReferences(writer, content.map.layers, packs);
}

/** @param size of the entry */
export function readContent(
  reader: ByteReader,
  kind: Exclude<StoredContent["kind"], "pages">,
  size: number,
  packs: readonly PackId[],
): StoredContent {
  if (kind === "none") return { kind };
  if (kind === "place") {
    const pack = readPackNumber(reader, packs);
    const frame = reader.varint("the frame of a place");
    return { kind, place: readPlace(reader, pack, frame, reader.varint("the offset of a place"), size) };
  }
  const blocks = readReferences(reader, packs);
  if (blocks.length === 0) throw reader.refuse("a file is in chunks and has none");
  return { kind, blocks };
}

export function readPageMap(reader: ByteReader, packs: readonly PackId[]): { readonly map: PageMapRef; readonly byGroups: boolean } {
  const marked = reader.varint("the page size");
  const byGroups = marked % 2 === 1;
  const pageSize = byGroups ? marked - 1 : marked;
  const pages = reader.varint("the number of pages");
  const map = { pageSize, pages, blocks: readReferences(reader, packs), layers: readReferences(reader, packs) };
  const problem = pageMapProblem(map);
  if (problem !== undefined) throw reader.refuse(problem);
  return { map, byGroups };
}

/** Why there can be no such page map, or undefined. What it holds is bounded here, before anything is made by its numbers. */
export function pageMapProblem({ pageSize, pages, blocks, layers }: PageMapRef): string | undefined {
  if (pageSize < 512 || pageSize > 65_536 || 2 ** Math.round(Math.log2(pageSize)) !== pageSize)
    return `a page of ${pageSize} bytes is none`;
  if (pages < 1 || pages > PAGES_LIMIT) return `a page map has ${pages} pages`;
  if (blocks.length < 1 || blocks.length > Math.ceil(pages / BLOCK_PAGES)) return `${blocks.length} blocks do not cover ${pages} pages`;
  if (layers.length > LAYERS_LIMIT) return `a page map has ${layers.length} layers`;
  if (blocks.some(({ entries }, number) => entries > BLOCK_PAGES || (entries < BLOCK_PAGES && number < blocks.length - 1)))
    return `a block of a page map has not ${BLOCK_PAGES} pages`;
  return layers.some(({ entries }) => entries > LAYER_PAGES) ? "a layer of a page map has too many pages" : undefined;
}

function writeReferences(writer: ByteWriter, references: readonly Reference[], packs: PackNumbers): void {
  writer.varint(references.length);
  for (const reference of references) writeReference(writer, reference, packs);
}

function readReferences(reader: ByteReader, packs: readonly PackId[]): readonly Reference[] {
  const count = reader.count("the number of references", SMALLEST_REFERENCE);
  const references: Reference[] = [];
  for (let number = 0; number < count; number++) references.push(readReference(reader, packs));
  return references;
}
