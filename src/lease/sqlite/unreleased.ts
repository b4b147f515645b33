import { setTimeout as sleep } from "node:timers/promises";
import { BUSY } from "./busy.ts";
import type { StoreThread } from "./store-calls.ts";
import type { Grip } from "./take.ts";

/** Between two attempts. Milliseconds. */
const PAUSE = 500;

/**
 * Leases that were done with and could not be given back, as on a full disk. Their row names a process that lives, so that
 * nobody else could ever tell: they are given back as soon as the store can be written again.
 */
export class Unreleased {
  readonly #thread: StoreThread;
  readonly #grips: Set<Grip> = new Set();
  readonly #closing = new AbortController();
  #work: Promise<void> | undefined;

  constructor(thread: StoreThread) {
    this.#thread = thread;
  }

  add(grip: Grip): void {
    this.#grips.add(grip);
    this.#work ??= this.#untilGivenBack();
  }

  async #untilGivenBack(): Promise<void> {
    const { signal } = this.#closing;
    while (this.#grips.size > 0 && !signal.aborted) {
      try {
        // oxlint-disable-next-line no-await-in-loop -- one attempt after the other
        await sleep(PAUSE, undefined, { signal, ref: false });
      } catch {
        // The last attempt follows.
      }
      // oxlint-disable-next-line no-await-in-loop -- see above
      for (const grip of this.#grips) if (await this.#isGivenBack(grip)) this.#grips.delete(grip);
    }
    this.#work = undefined;
  }

  async #isGivenBack(grip: Grip): Promise<boolean> {
    try {
      return (await this.#thread.call("giveBack", grip)) !== BUSY;
    } catch {
      return false;
    }
  }

  /** One more attempt; after that the end of this process is what frees them. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#work;
  }
}
