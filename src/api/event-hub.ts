import type { ApiEvent } from "../contract/index.ts";
import { BusyError } from "../kernel/index.ts";

/** Milliseconds between two signs of life. */
const KEEP_ALIVE = 15_000;
const MOST_LISTENERS = 64;
/** Events that a listener may lag behind before it is let go: it can come back with the number of the last. */
const MOST_BEHIND = 256;
/** Events that are kept for who comes back. */
const REMEMBERED = 256;

interface Listener {
  send(text: string): void;
  end(): void;
}

/** Whoever listens to /events. Holds no process open, and lets go of who does not read. */
export class EventHub {
  readonly #listeners: Set<Listener> = new Set();
  readonly #kept: { readonly number: number; readonly text: string }[] = [];
  readonly #onListeners: (count: number) => void;
  #number = 0;
  #closed = false;

  /** @param onListeners told how many listen whenever that changes */
  constructor(onListeners: (count: number) => void) {
    this.#onListeners = onListeners;
  }

  publish(event: ApiEvent): void {
    this.#number += 1;
    const text = `id: ${this.#number}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
    this.#kept.push({ number: this.#number, text });
    if (this.#kept.length > REMEMBERED) this.#kept.shift();
    for (const listener of this.#listeners) listener.send(text);
  }

  /**
   * @param after number of the last event that the listener has seen, as it says itself
   * @throws BusyError RATE_LIMITED when too many listen
   */
  open(after: string | null): ReadableStream<Uint8Array> {
    if (this.#closed || this.#listeners.size >= MOST_LISTENERS)
      throw new BusyError("RATE_LIMITED", `${MOST_LISTENERS} listen to the events already`, {
        hint: "Close one that is not needed",
        details: { retryAfter: 60 },
      });
    const encoder = new TextEncoder();
    let leave = (): void => {};
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          const listener: Listener = {
            send: (text) => {
              if ((controller.desiredSize ?? 0) < -MOST_BEHIND) listener.end();
              else controller.enqueue(encoder.encode(text));
            },
            end: () => {
              leave();
              controller.close();
            },
          };
          const alive = setInterval(() => listener.send(": still here\n\n"), KEEP_ALIVE);
          alive.unref();
          leave = () => {
            clearInterval(alive);
            if (this.#listeners.delete(listener)) this.#onListeners(this.#listeners.size);
          };
          this.#listeners.add(listener);
          this.#onListeners(this.#listeners.size);
          listener.send("retry: 3000\n\n");
          const seen = after === null || !/^\d{1,15}$/.test(after) ? this.#number : Number(after);
          for (const { number, text } of this.#kept) if (number > seen) listener.send(text);
        },
        cancel: () => leave(),
      },
      { highWaterMark: 0 },
    );
  }

  close(): void {
    this.#closed = true;
    for (const listener of this.#listeners) listener.end();
  }
}
