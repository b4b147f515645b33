import type { BigIntStats } from "node:fs";
import { lstatAt } from "../../kernel/index.ts";

/** How a listing reads what a path of the vault holds. */
export interface Reads {
  /** What `read` gives of the file or folder at a path; it may have been given before. */
  of<T>(path: string, read: () => T): T;
  /** The same of a file that `read` opens, and looks at before it reads: then nobody else has to. */
  ofOpened<T>(path: string, read: (opened: Opened) => T): T;
}

/** Is told what a file looked like when it was opened. */
export type Opened = (stats: Stamp) => void;

/** Everything anew. */
export const ANEW: Reads = { of: (_, read) => read(), ofOpened: (_, read) => read(() => {}) };

/**
 * A change in the same tick of the kernel's clock as the one before leaves the same times behind. Only what was still for
 * longer than any tick is remembered. Milliseconds.
 */
export const SETTLED = 100;
/** The same for a file system that may know whole seconds only. */
const SETTLED_IN_SECONDS = 3000;
const SECOND = 1_000_000_000n;

/** What tells one state of a file or folder from another: every write, rename and chmod leaves another ctime. */
export type Stamp = Readonly<Pick<BigIntStats, "dev" | "ino" | "mode" | "size" | "mtimeNs" | "ctimeNs">>;

interface Known {
  readonly stamp: Stamp;
  readonly value: unknown;
  round: number;
}

/**
 * What was read of each path, as long as a look at the path says that nothing about it has changed. What could not be read
 * or understood is read again every time.
 *
 * It does not promise what no look can tell: a sector that has gone bad, bytes changed below the file system, or under a
 * clock that was set back to the very nanosecond. Whoever verifies or restores reads anew; whoever writes to the vault
 * recalls what this process has read since it opened it, and nothing older.
 */
export class ReadBefore implements Reads {
  readonly #settled: number;
  readonly #known: Map<string, Known> = new Map();
  #round = 0;
  #recalled = 0;

  constructor(settled: number = SETTLED) {
    this.#settled = settled;
  }

  /** How many paths are remembered. */
  get size(): number {
    return this.#known.size;
  }

  /** How often nothing had to be read. */
  get recalled(): number {
    return this.#recalled;
  }

  known(): Iterable<{ readonly path: string; readonly stamp: Stamp; readonly value: unknown }> {
    return this.#known.entries().map(([path, { stamp, value }]) => ({ path, stamp, value }));
  }

  /** Takes what another process has read of a path that looked like that. */
  note(path: string, stamp: Stamp, value: unknown): void {
    this.#known.set(path, { stamp, value, round: -1 });
  }

  of<T>(path: string, read: () => T): T {
    return this.ofOpened(path, (looked) => {
      const stats = stampAt(path);
      if (stats !== undefined) looked(stats);
      return read();
    });
  }

  ofOpened<T>(path: string, read: (opened: Opened) => T): T {
    const known = this.#known.get(path);
    if (known !== undefined) {
      if (isSame(known.stamp, stampAt(path))) {
        known.round = this.#round;
        this.#recalled += 1;
        return known.value as T;
      }
      this.#known.delete(path);
    }
    let stamp: Stamp | undefined;
    // Told before it is read: a change while it is read then leaves another stamp, and what was read in the middle of it is never recalled.
    const value = read((stats) => {
      if (isSettled(stats, this.#settled)) stamp = stampOf(stats);
    });
    if (stamp !== undefined) this.#known.set(path, { stamp, value, round: this.#round });
    return value;
  }

  /** Forgets what nobody asked for since the last time. */
  endRound(): void {
    for (const [path, { round }] of this.#known) if (round !== this.#round) this.#known.delete(path);
    this.#round += 1;
  }
}

/** undefined where nothing is, and where it cannot be looked at: whoever reads there learns why. */
export function stampAt(path: string): Stamp | undefined {
  try {
    const stats = lstatAt(path);
    return stats === undefined ? undefined : stampOf(stats);
  } catch {
    return undefined;
  }
}

function stampOf({ dev, ino, mode, size, mtimeNs, ctimeNs }: Stamp): Stamp {
  return { dev, ino, mode, size, mtimeNs, ctimeNs };
}

export function isSame(one: Stamp | undefined, other: Stamp | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return (
    one.ctimeNs === other.ctimeNs &&
    one.ino === other.ino &&
    one.size === other.size &&
    one.mtimeNs === other.mtimeNs &&
    one.mode === other.mode &&
    one.dev === other.dev
  );
}

/** Whether the last change lies so far back that another one would show. By the clock of the kernel, which stamps files. */
export function isSettled({ ctimeNs }: Stamp, settled: number = SETTLED): boolean {
  return Date.now() - Number(ctimeNs / 1_000_000n) > (ctimeNs % SECOND === 0n ? Math.max(settled, SETTLED_IN_SECONDS) : settled);
}
