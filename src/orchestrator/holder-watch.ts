import { monotonicNow } from "../kernel/index.ts";
import type { Held, LeaseKeeper } from "../lease/index.ts";
import type { Log } from "./log.ts";

export interface HolderWatchParts {
  readonly keeper: LeaseKeeper;
  readonly log: Log;
  readonly maxHold: number;
}

/** How long a holder may say nothing before that is told. Milliseconds. */
const SILENCE = 10 * 60_000;

/**
 * What this process has seen of another's lease, by its own monotonic clock: the time that a holder writes down is for
 * people, and may be wrong. Hung is not dead: it is told of, and never taken.
 */
export class HolderWatch {
  readonly #parts: HolderWatchParts;
  #seen: {
    readonly generation: number;
    readonly since: number;
    seq: number | null;
    heardAt: number;
    asked: boolean;
    told: boolean;
  } | null = null;

  constructor(parts: HolderWatchParts) {
    this.#parts = parts;
  }

  seen({ holder }: Held): void {
    const now = monotonicNow();
    if (holder === null) return;
    if (holder.state === "free") {
      this.gone();
      return;
    }
    if (this.#seen?.generation !== holder.generation)
      this.#seen = { generation: holder.generation, since: now, seq: holder.seq, heardAt: now, asked: false, told: false };
    if (this.#seen.seq !== holder.seq) {
      this.#seen.seq = holder.seq;
      this.#seen.heardAt = now;
      this.#seen.told = false;
    }
    if (this.#seen.told || now - this.#seen.heardAt <= SILENCE) return;
    this.#seen.told = true;
    this.#parts.log(
      "warn",
      `${holder.owner ?? "The holder"}, pid ${holder.pid ?? "unknown"}, holds the heavy-maintenance lease and has said nothing for ${Math.round(SILENCE / 60_000)} minutes; when it hangs: holdfast lease break`,
    );
  }

  /** Whoever held it has let go: what was seen of one holder is not said of the next. */
  gone(): void {
    this.#seen = null;
  }

  /** Once per holder. */
  async askToYield(by: string): Promise<void> {
    const seen = this.#seen;
    if (seen === null || seen.asked || monotonicNow() - seen.since <= this.#parts.maxHold) return;
    seen.asked = true;
    await this.#parts.keeper.requestYield(by);
  }
}
