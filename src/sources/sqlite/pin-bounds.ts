import { lstatAt } from "../../kernel/index.ts";

/** How long a snapshot is held at most: while it is, the log cannot be begun anew and grows with every commit. */
export interface PinBounds {
  /** Milliseconds. */
  readonly duration: number;
  /** Bytes by which the log may grow meanwhile. */
  readonly growth: number;
  /** Bytes, with its log: a larger one is not begun with, because reading it takes longer than its snapshot may be held. */
  readonly largest: number;
}

/** Of a database that is stored from where its pages lie. */
export interface ReadingBounds extends PinBounds {
  /** As `largest`, of one that was in no backup yet: all of it is stored and not only looked at. Bytes. */
  readonly largestNew: number;
}

const GIB = 1024 * 1024 * 1024;
/** Two cores store some 14 GiB of a new database in that time. */
export const PIN_BOUNDS: ReadingBounds = { duration: 60_000, growth: GIB / 4, largest: 16 * GIB, largestNew: 6 * GIB };

/** Milliseconds between two looks at the log. */
const LOOK_EVERY = 200;

export interface PinWatch extends Disposable {
  expired(): boolean;
}

/** Calls `letGo` once, as soon as a bound is reached; until the watch is disposed. */
export function watchPin(log: string, bounds: Pick<PinBounds, "duration" | "growth">, letGo: () => void): PinWatch {
  const size = (): number => {
    try {
      return Number(lstatAt(log)?.size ?? 0n);
    } catch {
      // What becomes of the log is seen when the snapshot is confirmed.
      return 0;
    }
  };
  const limit = size() + bounds.growth;
  let done = false;
  let expired = false;
  const stop = (): void => {
    done = true;
    clearTimeout(end);
    clearInterval(look);
  };
  const reached = (): void => {
    if (done) return;
    stop();
    expired = true;
    letGo();
  };
  const end = setTimeout(reached, bounds.duration);
  const look = setInterval(() => {
    if (size() > limit) reached();
  }, LOOK_EVERY);
  return { expired: () => expired, [Symbol.dispose]: stop };
}
