/** Taken so many, the front is given back. */
const FRONT = 4096;

/** First in, first out. An array that is shifted moves everything behind for each one taken. */
export class Waiting<T> {
  readonly #items: T[] = [];
  #taken = 0;

  get size(): number {
    return this.#items.length - this.#taken;
  }

  add(item: T): void {
    this.#items.push(item);
  }

  /** The one that waits the longest. */
  take(): T | undefined {
    if (this.size === 0) return undefined;
    const item = this.#items[this.#taken];
    this.#taken += 1;
    if (this.#taken >= FRONT) {
      this.#items.splice(0, this.#taken);
      this.#taken = 0;
    }
    return item;
  }
}
