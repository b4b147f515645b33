import { InternalError } from "../../kernel/index.ts";
import type { Locator } from "../pack/locator.ts";
import { BLOCK_PAGES, LAYER_PAGES, LAYERS_LIMIT, PAGES_LIMIT, pageMapProblem } from "./content-codec.ts";
import type { MetaSource } from "./meta-store.ts";
import { encodeBase, encodeLayer, type Layer } from "./page-blocks.ts";
import { keepObject, ReferenceIndex, type Keeping } from "./reference-index.ts";
import type { Reference } from "./reference.ts";
import { PagesInOrder } from "./pages-in-order.ts";
import { ResolvedMap, type PagePlaces } from "./resolved-map.ts";
import { StoredMap } from "./stored-map.ts";
import type { PageMapRef } from "./tree-entry.ts";

/** A page map as it is stored, and as it is worked with. */
export interface PageMap {
  readonly ref: PageMapRef;
  readonly resolved: ResolvedMap;
}

/** One that was just written, and is only named. */
export interface WrittenMap {
  readonly ref: PageMapRef;
  readonly resolved: PagePlaces;
}

interface NewPages extends Keeping {
  readonly pageSize: number;
  readonly pages: number;
  /** Where all pages are, in order: each place holds as many as fit into its length. */
  readonly places: readonly Locator[];
}

interface PageUpdate extends Keeping {
  /** Absent, or of another page size: every page is in `changed`. */
  readonly previous?: PageMap;
  readonly pageSize: number;
  readonly pages: number;
  /** Numbers of the pages that were stored anew, rising; every page past the previous end is among them. */
  readonly changed: ArrayLike<number>;
  /** Where those pages are, in the order of `changed`: each place holds as many as fit into its length. */
  readonly places: readonly Locator[];
}

/** @throws DamageError BACKUP_DAMAGED when a page lies nowhere, twice, or where no page can be */
export function resolvePageMap(source: MetaSource, ref: PageMapRef): ResolvedMap {
  const stored = new StoredMap(source, ref);
  const resolved = new ResolvedMap(ref.pageSize, ref.pages);
  for (const extent of stored.extents()) resolved.set(extent);
  return resolved;
}

/** The map of a database of which every page was stored anew. */
export function newPageMap({ pageSize, pages, places, ...keeping }: NewPages): WrittenMap {
  checkPages(pages);
  const resolved = new PagesInOrder(pageSize, pages, places);
  return { ref: checked(based(pageSize, pages, keeping, undefined, resolved)), resolved };
}

/**
 * The map after some pages were stored anew. Few changes become a layer, which costs a byte or two a page; many, or the
 * changes of many backups together, are merged into the base, whose blocks are named again where they are as they were.
 */
export function updatePageMap(update: PageUpdate): PageMap {
  const { pageSize, pages, changed, places } = update;
  checkPages(pages);
  const previous = update.previous?.ref.pageSize === pageSize ? update.previous : undefined;
  const resolved = new ResolvedMap(pageSize, pages, previous?.resolved);
  const layer = { numbers: changed, extents: places.map((place) => ({ ...place, pages: place.length / pageSize })) };
  checkUpdate(layer, pages);
  lay(resolved, layer);
  const missing = resolved.missing();
  if (missing !== undefined) throw new InternalError(`Cannot map page ${missing} of ${pages}: it was not stored`);
  const ref = layered(update, previous?.ref, layer) ?? based(pageSize, pages, update, previous?.ref, resolved);
  return { ref: checked(ref), resolved };
}

function checkPages(pages: number): void {
  if (pages < 1 || pages > PAGES_LIMIT) throw new InternalError(`Cannot map a database of ${pages} pages`);
}

function checked(ref: PageMapRef): PageMapRef {
  const problem = pageMapProblem(ref);
  if (problem !== undefined) throw new InternalError(`Cannot map a database of ${ref.pages} pages: ${problem}`);
  return ref;
}

/** The previous base with one layer more, or undefined when it is time to merge. */
function layered(
  { pageSize, pages, changed, store, reuse, onNamed }: PageUpdate,
  previous: PageMapRef | undefined,
  layer: Layer,
): PageMapRef | undefined {
  if (previous === undefined) return undefined;
  const blocks = previous.blocks.slice(0, Math.ceil(pages / BLOCK_PAGES));
  const { layers } = previous;
  if (reuse !== undefined && ![...blocks, ...layers].every((reference) => reuse(reference))) return undefined;
  const total = countOf(layers) + changed.length;
  const small = changed.length <= Math.min(pages / 4, LAYER_PAGES) && total <= countOf(blocks) / 4 && layers.length < LAYERS_LIMIT;
  if (changed.length > 0 && !small) return undefined;
  for (const reference of [...blocks, ...layers]) onNamed?.(reference);
  if (changed.length === 0) return { pageSize, pages, blocks, layers };
  return { pageSize, pages, blocks, layers: [...layers, keepObject(encodeLayer(layer), changed.length, undefined, { store })] };
}

function based(pageSize: number, pages: number, keeping: Keeping, previous: PageMapRef | undefined, resolved: PagePlaces): PageMapRef {
  const known = new ReferenceIndex(previous?.blocks);
  const blocks: Reference[] = [];
  for (let first = 0; first < pages; first += BLOCK_PAGES) {
    const block = encodeBase(resolved.extents(first, first + BLOCK_PAGES));
    blocks.push(keepObject(block, Math.min(BLOCK_PAGES, pages - first), known, keeping));
  }
  return { pageSize, pages, blocks, layers: [] };
}

function lay(resolved: ResolvedMap, { numbers, extents }: Layer): void {
  let start = 0;
  for (const extent of extents) {
    resolved.setPages(numbers, start, extent);
    start += extent.pages;
  }
}

function checkUpdate({ numbers, extents }: Layer, pages: number): void {
  const held = extents.reduce((sum, extent) => sum + extent.pages, 0);
  if (held !== numbers.length || extents.some((extent) => !Number.isInteger(extent.pages)))
    throw new InternalError(`Cannot map ${numbers.length} changed pages: their places hold ${held}`);
  for (let index = 0; index < numbers.length; index++) {
    const page = numbers[index] ?? pages;
    if (page >= pages || page <= (numbers[index - 1] ?? -1))
      throw new InternalError(`Cannot map page ${page} of ${pages}: the pages do not rise`);
  }
}

function countOf(references: readonly Reference[]): number {
  return references.reduce((sum, { entries }) => sum + entries, 0);
}
