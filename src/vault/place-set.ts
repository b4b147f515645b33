import { hash, randomBytes } from "node:crypto";

/** Of the first table. A power of two. */
const SMALLEST = 1024;
/** Part of the slots that may be in use: with half of them in use, half a million places would take 19 MB in place of 9. */
const FULL = 0.75;

/**
 * Places with one small number each, in 9 bytes of memory per slot instead of a string: a backup may hold millions.
 * A place is known by 64 bits of a hash with a key of this process, so that nobody can make two places meet; that two
 * of ten million meet by chance is less likely than one in 300,000, and would refuse a sound backup, never pass a bad one.
 */
export class PlaceSet {
  readonly #key: string = randomBytes(16).toString("hex");
  #high: Uint32Array = new Uint32Array(SMALLEST);
  #low: Uint32Array = new Uint32Array(SMALLEST);
  /** 0: free. */
  #values: Uint8Array = new Uint8Array(SMALLEST);
  #size = 0;

  /** 0 when the place is not in the set. */
  get(place: string): number {
    const [high, low] = this.#hash(place);
    return this.#values[this.#slot(high, low)] ?? 0;
  }

  /** @param value from 1 to 255. @returns what it was before, as get() has it: hashing a place takes longer than all else that is done with it */
  set(place: string, value: number): number {
    const [high, low] = this.#hash(place);
    const slot = this.#slot(high, low);
    const before = this.#values[slot] ?? 0;
    if (before === 0) {
      this.#size += 1;
      this.#high[slot] = high;
      this.#low[slot] = low;
    }
    this.#values[slot] = value;
    if (this.#size > this.#values.length * FULL) this.#grow();
    return before;
  }

  #hash(place: string): readonly [high: number, low: number] {
    const bytes = hash("sha256", this.#key + place, "buffer");
    return [bytes.readUInt32LE(0), bytes.readUInt32LE(4)];
  }

  /** The slot of a hash, or the free one where it would go. */
  #slot(high: number, low: number): number {
    const mask = this.#values.length - 1;
    for (let slot = low & mask; ; slot = (slot + 1) & mask) {
      if (this.#values[slot] === 0 || (this.#low[slot] === low && this.#high[slot] === high)) return slot;
    }
  }

  #grow(): void {
    const [highs, lows, values] = [this.#high, this.#low, this.#values];
    const length = values.length * 2;
    this.#high = new Uint32Array(length);
    this.#low = new Uint32Array(length);
    this.#values = new Uint8Array(length);
    for (const [from, value] of values.entries()) {
      if (value === 0) continue;
      const [high, low] = [highs[from] ?? 0, lows[from] ?? 0];
      const slot = this.#slot(high, low);
      this.#high[slot] = high;
      this.#low[slot] = low;
      this.#values[slot] = value;
    }
  }
}
