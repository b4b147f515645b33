import type { FrameStore } from "./frame-store.ts";
import type { Placed } from "./jobs.ts";

/** Takes the bytes of contents. Each piece is one byte to a frame, and copied. */
export interface ContentSink {
  add(bytes: Uint8Array): Placed;
}

/** So many bytes a thread hands over before it begins a pack of its own. */
const HANDED_OVER = 2 * 1024 * 1024;

/** What a thread stores its contents with. */
export class ThreadSink implements ContentSink {
  readonly #frames: FrameStore;
  #left: number = HANDED_OVER;

  constructor(frames: FrameStore) {
    this.#frames = frames;
  }

  add(bytes: Uint8Array): Placed {
    if (bytes.length > this.#left || bytes.length === 0) {
      // Once it has begun, everything goes there: what belongs together lies together.
      this.#left = 0;
      return this.#frames.add(bytes);
    }
    this.#left -= bytes.length;
    return new Uint8Array(bytes);
  }
}
