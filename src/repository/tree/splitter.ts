/** How long the parts of a sequence are: at least, usually, at most. */
interface PartLengths {
  readonly least: number;
  readonly usual: number;
  readonly most: number;
}

/**
 * Cuts a sequence where its items say so, whatever stands before and after: when an item is inserted or taken away, the
 * parts around it change and all others stay as they were. Tight bounds (half and double of what is usual) keep the
 * part that a change hits small: engine-notes.md has the measurements.
 */
export class Splitter<T> {
  readonly #lengths: PartLengths;
  readonly #draw: (item: T) => number;
  #length = 0;

  /** @param draw a number of 32 bits that the item alone decides, as good as random */
  constructor(lengths: PartLengths, draw: (item: T) => number) {
    this.#lengths = lengths;
    this.#draw = draw;
  }

  /** Whether a part begins with this item: to be asked once for each, in order. */
  begins(item: T): boolean {
    const begins = this.#isBegin(item);
    this.#length = begins ? 1 : this.#length + 1;
    return begins;
  }

  /** In place of begins() for an item of which is known that none begins with it. */
  goesOn(): void {
    this.#length += 1;
  }

  /**
   * The same for several at once that were a part, or the front of one: whether a part begins with the first of them here as well. If not, nothing was asked.
   *
   * @param count of all of them
   */
  beginsWith(item: T, count: number): boolean {
    if (!this.#isBegin(item)) return false;
    this.#length = count;
    return true;
  }

  /** The next item begins a part. */
  end(): void {
    this.#length = 0;
  }

  #isBegin(item: T): boolean {
    return this.#length === 0 || this.#length >= this.#lengths.most || (this.#length >= this.#lengths.least && this.#drawn(item));
  }

  #drawn(item: T): boolean {
    const { usual } = this.#lengths;
    return this.#draw(item) % (this.#length < usual ? usual : usual / 4) === 0;
  }
}

/** The number that a hash in hexadecimal digits draws. */
export function drawOf(digest: string): number {
  return Number.parseInt(digest.slice(0, 8), 16);
}
