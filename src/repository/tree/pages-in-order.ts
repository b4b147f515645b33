import { InternalError } from "../../kernel/index.ts";
import type { Locator } from "../pack/locator.ts";
import type { Extent, PagePlaces } from "./resolved-map.ts";

/** Where the pages of a database lie that was stored as a whole: one place behind the other, and no number for each page. */
export class PagesInOrder implements PagePlaces {
  readonly pageSize: number;
  readonly #places: readonly Locator[];
  /** Number of the first page of each place, and behind them that of the page after the last. */
  readonly #firsts: readonly number[];

  /** @param places each of as many pages as fit into its length, from page 0 on */
  constructor(pageSize: number, pages: number, places: readonly Locator[]) {
    const firsts = [0];
    for (const { length } of places) firsts.push((firsts.at(-1) ?? 0) + length / pageSize);
    if (firsts.at(-1) !== pages || !firsts.every(Number.isInteger))
      throw new InternalError(`Cannot map ${pages} pages: their places hold ${firsts.at(-1)}`);
    this.pageSize = pageSize;
    this.#places = places;
    this.#firsts = firsts;
  }

  *extents(from = 0, to: number = this.#firsts.at(-1) ?? 0): Generator<Extent> {
    for (let index = this.#indexOf(from); index < this.#places.length && this.#firstOf(index) < to; index += 1) {
      const { pack, frame, offset } = this.#places[index] as Locator;
      const first = Math.max(from, this.#firstOf(index));
      const pages = Math.min(to, this.#firstOf(index + 1)) - first;
      yield { first, pages, pack, frame, offset: offset + (first - this.#firstOf(index)) * this.pageSize };
    }
  }

  #firstOf(index: number): number {
    return this.#firsts[index] ?? 0;
  }

  /** The place that holds a page. */
  #indexOf(page: number): number {
    let [low, high] = [0, this.#places.length];
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (this.#firstOf(middle) <= page) low = middle;
      else high = middle;
    }
    return low;
  }
}
