import type { PackId } from "../pack/locator.ts";

/** Pages that lie one after another in one frame. */
export interface Extent {
  readonly first: number;
  readonly pages: number;
  readonly pack: PackId;
  readonly frame: number;
  /** Of the first page in the raw bytes of the frame. */
  readonly offset: number;
}

/** Where the pages of a database lie. */
export interface PagePlaces {
  readonly pageSize: number;
  /** The pages from one number to before another, in order. */
  extents(from?: number, to?: number): Iterable<Extent>;
}

/** The frames that pages lie in, each once, numbered from 1; numbers stay what they are while frames are added. */
class FrameList {
  readonly #frames: { readonly pack: PackId; readonly frame: number }[] = [];
  readonly #numbers: Map<PackId, Map<number, number>> = new Map();

  numberOf(pack: PackId, frame: number): number {
    let numbers = this.#numbers.get(pack);
    if (numbers === undefined) this.#numbers.set(pack, (numbers = new Map<number, number>()));
    const known = numbers.get(frame);
    if (known !== undefined) return known;
    const number = this.#frames.push({ pack, frame });
    numbers.set(frame, number);
    return number;
  }

  at(number: number): { readonly pack: PackId; readonly frame: number } | undefined {
    return this.#frames[number - 1];
  }
}

/**
 * Where every page of a database lies: two numbers a page, and no object. Memory is touched as pages are set, so that a
 * number of pages that a hostile map only claims costs nothing.
 */
export class ResolvedMap implements PagePlaces {
  readonly pageSize: number;
  readonly pages: number;
  readonly #frames: FrameList;
  /** 0: the page lies nowhere. */
  readonly #frameOf: Uint32Array;
  readonly #offsetOf: Uint32Array;

  /** @param before of an earlier state of the same database, which stays as it is */
  constructor(pageSize: number, pages: number, before?: ResolvedMap) {
    this.pageSize = pageSize;
    this.pages = pages;
    this.#frames = before === undefined ? new FrameList() : before.#frames;
    this.#frameOf = new Uint32Array(pages);
    this.#offsetOf = new Uint32Array(pages);
    if (before === undefined) return;
    const kept = Math.min(pages, before.pages);
    this.#frameOf.set(before.#frameOf.subarray(0, kept));
    this.#offsetOf.set(before.#offsetOf.subarray(0, kept));
  }

  /** What lies past the end is not recorded. */
  set({ first, pages, pack, frame, offset }: Extent): void {
    const number = this.#frames.numberOf(pack, frame);
    const end = Math.min(first + pages, this.pages);
    for (let page = first; page < end; page++) {
      this.#frameOf[page] = number;
      this.#offsetOf[page] = offset + (page - first) * this.pageSize;
    }
  }

  /** @param numbers of the pages that lie in the extent, rising; those past the end are not recorded */
  setPages(numbers: ArrayLike<number>, start: number, { pages, pack, frame, offset }: Omit<Extent, "first">): void {
    const number = this.#frames.numberOf(pack, frame);
    for (let index = 0; index < pages; index++) {
      const page = numbers[start + index] ?? this.pages;
      if (page >= this.pages) return;
      this.#frameOf[page] = number;
      this.#offsetOf[page] = offset + index * this.pageSize;
    }
  }

  /** The first page that lies nowhere, or undefined when every page lies somewhere. */
  missing(): number | undefined {
    const page = this.#frameOf.indexOf(0);
    return page < 0 ? undefined : page;
  }

  /** The pages from one number to before another, as few extents as there can be. */
  *extents(from = 0, to: number = this.pages): Generator<Extent, void> {
    const end = Math.min(to, this.pages);
    for (let first = from; first < end;) {
      const number = this.#frameOf[first] ?? 0;
      const offset = this.#offsetOf[first] ?? 0;
      let next = first + 1;
      while (next < end && this.#frameOf[next] === number && this.#offsetOf[next] === offset + (next - first) * this.pageSize) next += 1;
      const at = this.#frames.at(number);
      if (at !== undefined) yield { first, pages: next - first, ...at, offset };
      first = next;
    }
  }
}
