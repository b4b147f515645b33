/** How much is stored, or how long it takes, until what was stored is noted for a backup that may have to go on from there. */
export interface CheckpointEvery {
  /** Raw bytes. */
  readonly bytes: number;
  /** Milliseconds. */
  readonly time: number;
}

const USUAL: CheckpointEvery = { bytes: 1024 ** 3, time: 5 * 60 * 1000 };
/** What is stored again in the blink of an eye needs no note, however slow the disk was. Bytes. */
const LEAST = 64 * 1024;

/** Says when the next checkpoint is due. */
export class CheckpointClock {
  readonly #every: CheckpointEvery;
  #bytes = 0;
  #last: number = performance.now();

  constructor(every: CheckpointEvery = USUAL) {
    this.#every = every;
  }

  /** Counts what was stored; true when it is time, and counting begins anew. */
  isDue(bytes: number): boolean {
    this.#bytes += bytes;
    const due = this.#bytes >= this.#every.bytes || (this.#bytes >= LEAST && performance.now() - this.#last >= this.#every.time);
    if (due) {
      this.#bytes = 0;
      this.#last = performance.now();
    }
    return due;
  }
}
