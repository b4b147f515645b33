import { monotonicNow } from "../../kernel/index.ts";

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
/** For each byte of metadata that a checkpoint wrote, so many of content are stored until the next one. */
const SHARE = 50;

/** Says when the next checkpoint is due. */
export class CheckpointClock {
  readonly #every: CheckpointEvery;
  #bytes = 0;
  /** Until so much more is stored the next one is not worth what it costs. */
  #worth = LEAST;
  #last: number = monotonicNow();

  constructor(every: CheckpointEvery = USUAL) {
    this.#every = every;
  }

  /** @param metadata that the last checkpoint wrote: runs that are in no frame yet, and the map of a database. Bytes */
  cost(metadata: number): void {
    this.#worth = Math.max(LEAST, metadata * SHARE);
  }

  /** Counts what was stored; true when it is time, and counting begins anew. */
  isDue(bytes: number): boolean {
    this.#bytes += bytes;
    const isTime = this.#bytes >= this.#every.bytes || monotonicNow() - this.#last >= this.#every.time;
    const due = isTime && this.#bytes >= this.#worth;
    if (due) {
      this.#bytes = 0;
      this.#last = monotonicNow();
    }
    return due;
  }
}
