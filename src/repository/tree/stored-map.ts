import { BLOCK_PAGES, pageMapProblem } from "./content-codec.ts";
import type { MetaSource } from "./meta-store.ts";
import { decodeBase, decodeLayer, type Layer } from "./page-blocks.ts";
import { checkCount, damaged, readObject } from "./reference.ts";
import { ResolvedMap, type Extent, type PagePlaces } from "./resolved-map.ts";
import type { PageMapRef } from "./tree-entry.ts";

/** A layer, and the index of the first number of each extent. */
interface PlacedLayer extends Layer {
  readonly numbers: Uint32Array;
  readonly starts: readonly number[];
}

/**
 * A page map as it lies in packs: of its base one block is in memory, of its layers, which are small beside it, all. For who goes through
 * the pages of a database, of whatever size, in order.
 */
export class StoredMap implements PagePlaces {
  readonly pageSize: number;
  readonly #source: MetaSource;
  readonly #ref: PageMapRef;
  readonly #layers: readonly PlacedLayer[];
  #last: { readonly block: number; readonly places: ResolvedMap } | undefined;

  /** @throws DamageError BACKUP_DAMAGED */
  constructor(source: MetaSource, ref: PageMapRef) {
    const problem = pageMapProblem(ref);
    if (problem !== undefined) throw damaged(`Cannot trust a page map: ${problem}`);
    this.pageSize = ref.pageSize;
    this.#source = source;
    this.#ref = ref;
    this.#layers = ref.layers.map((reference) => {
      const layer = decodeLayer(readObject(source, reference, "a layer of a page map"), ref.pageSize);
      checkCount(layer.numbers.length, reference, "a layer of a page map");
      return placed(layer);
    });
  }

  /** @throws DamageError BACKUP_DAMAGED when a page lies nowhere, twice, or where no page can be */
  *extents(from = 0, to: number = this.#ref.pages): Generator<Extent> {
    const end = Math.min(to, this.#ref.pages);
    for (let block = Math.floor(from / BLOCK_PAGES); block * BLOCK_PAGES < end; block += 1) {
      const base = block * BLOCK_PAGES;
      for (const extent of this.#placesOf(block).extents(Math.max(from - base, 0), end - base))
        yield { ...extent, first: base + extent.first };
    }
  }

  /** Counted from the first page of the block. */
  #placesOf(block: number): ResolvedMap {
    if (this.#last?.block === block) return this.#last.places;
    const base = block * BLOCK_PAGES;
    const places = new ResolvedMap(this.pageSize, Math.min(BLOCK_PAGES, this.#ref.pages - base));
    const reference = this.#ref.blocks[block];
    if (reference !== undefined) {
      const extents = decodeBase(readObject(this.#source, reference, "a block of a page map"), this.pageSize);
      const held = extents.reduce((sum, { pages }) => sum + pages, 0);
      checkCount(held, reference, "a block of a page map");
      for (const extent of extents) places.set(extent);
    }
    for (const layer of this.#layers) lay(places, layer, base);
    const missing = places.missing();
    if (missing !== undefined) throw damaged(`Page ${base + missing} of a page map of ${this.#ref.pages} pages lies nowhere`);
    this.#last = { block, places };
    return places;
  }
}

/** What a layer says of the pages from `base` on. */
function lay(places: ResolvedMap, { numbers, extents, starts }: PlacedLayer, base: number): void {
  const end = firstFrom(numbers, base + places.pages);
  let index = firstFrom(numbers, base);
  for (let at = Math.max(0, firstFrom(starts, index + 1) - 1); index < end; at += 1) {
    const { pages, pack, frame, offset } = extents[at] as Layer["extents"][number];
    const start = starts[at] ?? 0;
    const upTo = Math.min(end, start + pages);
    const these = numbers.slice(index, upTo).map((page) => page - base);
    places.setPages(these, 0, { pages: these.length, pack, frame, offset: offset + (index - start) * places.pageSize });
    index = upTo;
  }
}

function placed({ numbers, extents }: ReturnType<typeof decodeLayer>): PlacedLayer {
  const starts: number[] = [];
  let start = 0;
  for (const { pages } of extents) {
    starts.push(start);
    start += pages;
  }
  return { numbers, extents, starts };
}

/** The index of the first number that is not below another one, in a rising list. */
function firstFrom(numbers: ArrayLike<number>, limit: number): number {
  let [low, high] = [0, numbers.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((numbers[middle] as number) < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
