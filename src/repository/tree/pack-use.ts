import type { Locator, PackId } from "../pack/locator.ts";
import type { MetaSource } from "./meta-store.ts";
import type { PagePlaces } from "./resolved-map.ts";
import type { TreeRoot } from "./roots.ts";
import { StoredMap } from "./stored-map.ts";
import { readStoredEntries, resolveEntry, runReferences } from "./tree-reader.ts";
import type { StoredContent } from "./tree-entry.ts";

/** Raw bytes of a pack that are named, each counted once however often it is named. */
interface UsedBytes {
  readonly metadata: number;
  readonly content: number;
}

/** Above every offset in a frame, so that frame and offset are one number. */
const FRAME_STRIDE = 2 ** 23;

/** What a backup uses of which packs: the numbers of its pack table. */
export class PackUse {
  readonly #metadata: Map<PackId, Stretches> = new Map();
  readonly #content: Map<PackId, Stretches> = new Map();

  /** What several use, together. */
  static of(uses: Iterable<PackUse>): PackUse {
    const all = new PackUse();
    for (const use of uses) {
      for (const [pack, stretches] of use.#metadata) stretchesOf(all.#metadata, pack).addAll(stretches);
      for (const [pack, stretches] of use.#content) stretchesOf(all.#content, pack).addAll(stretches);
    }
    return all;
  }

  /** Everything that a tree names: its objects and the content of its entries. */
  addTree(source: MetaSource, root: TreeRoot): void {
    if (root.level === 1) for (const block of root.references) this.addMetadata(block.place);
    for (const run of runReferences(source, root)) this.addMetadata(run.place);
    for (const stored of readStoredEntries(source, root)) {
      this.#addBlocks(stored.content);
      const { content } = resolveEntry(source, stored);
      if (content.kind === "place") this.addContent(content.place);
      if (content.kind === "chunks") for (const { place } of content.chunks) this.addContent(place);
      if (content.kind === "pages") this.addPages(new StoredMap(source, content.map));
    }
  }

  addMetadata(place: Locator): void {
    stretchesOf(this.#metadata, place.pack).add(place);
  }

  addContent(place: Locator): void {
    stretchesOf(this.#content, place.pack).add(place);
  }

  addPages(map: PagePlaces): void {
    for (const { pages, ...place } of map.extents()) this.addContent({ ...place, length: pages * map.pageSize });
  }

  /** In order of ids. */
  packs(): ReadonlyMap<PackId, UsedBytes> {
    const ids = [...new Set([...this.#metadata.keys(), ...this.#content.keys()])].toSorted();
    return new Map(ids.map((id) => [id, { metadata: this.#metadata.get(id)?.total() ?? 0, content: this.#content.get(id)?.total() ?? 0 }]));
  }

  #addBlocks(content: StoredContent): void {
    if (content.kind === "chunks") for (const { place } of content.blocks) this.addMetadata(place);
    if (content.kind === "pages") for (const { place } of [...content.map.blocks, ...content.map.layers]) this.addMetadata(place);
  }
}

/** Stretches of one pack's frames, as plain numbers: there may be one for every page of a database. */
class Stretches {
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];
  /** What one thread has stored comes in order, mostly. */
  #rising = true;

  add({ frame, offset, length }: Locator): void {
    const start = frame * FRAME_STRIDE + offset;
    const last = this.#ends.length - 1;
    if (this.#ends[last] === start) this.#ends[last] = start + length;
    else this.#push(start, start + length);
  }

  addAll(other: Stretches): void {
    for (const [index, start] of other.#starts.entries()) this.#push(start, other.#ends[index] ?? start);
  }

  #push(start: number, end: number): void {
    this.#rising &&= start >= (this.#starts.at(-1) ?? 0);
    this.#starts.push(start);
    this.#ends.push(end);
  }

  total(): number {
    const order = this.#rising ? this.#starts.keys() : this.#order();
    let [total, reached] = [0, 0];
    for (const index of order) {
      const end = this.#ends[index] ?? 0;
      if (end <= reached) continue;
      total += end - Math.max(reached, this.#starts[index] ?? 0);
      reached = end;
    }
    return total;
  }

  #order(): Uint32Array {
    return Uint32Array.from(this.#starts.keys()).toSorted((one, other) => (this.#starts[one] ?? 0) - (this.#starts[other] ?? 0));
  }
}

function stretchesOf(packs: Map<PackId, Stretches>, pack: PackId): Stretches {
  let stretches = packs.get(pack);
  if (stretches === undefined) packs.set(pack, (stretches = new Stretches()));
  return stretches;
}
