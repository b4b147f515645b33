import { monotonicNow } from "../kernel/index.ts";
import type { LeaseKeeper } from "../lease/index.ts";
import type { SqliteLedger, Streak } from "../ledger/index.ts";
import type { DueTask } from "./due-tasks.ts";
import type { Log } from "./log.ts";

/** How long a lease is kept for one task that does not come for it, by this process's own clock. Milliseconds. */
const RESERVED_FOR = 10 * 60_000;
const HOUR = 3_600_000;

export interface StarvationParts {
  readonly ledger: SqliteLedger;
  readonly keeper: LeaseKeeper;
  readonly log: Log;
  readonly maxDeferral: number | null;
}

/**
 * A task that has waited past its bound is starving: it is said, and the next free lease is kept for it. Order of selection
 * alone means nothing while somebody else holds the lease (8.5 hours in the field, with the highest priority).
 */
export class Starvation {
  readonly #parts: StarvationParts;
  #reservation: { readonly task: string; readonly since: number } | null = null;
  /** Until when a task that did not come for its lease is passed over. */
  readonly #passed: Map<string, number> = new Map();

  constructor(parts: StarvationParts) {
    this.#parts = parts;
  }

  /** The task for which the next free lease is kept. */
  get reserved(): string | null {
    return this.#reservation?.task ?? null;
  }

  /**
   * @param ready those of them that wait for no other task: a lease that is kept for one that does would keep out
   * the very task that it waits for
   */
  async look(due: readonly DueTask[], ready: readonly DueTask[], now: number): Promise<void> {
    const { ledger, log } = this.#parts;
    const streaks = ledger.streaks();
    const byName = new Map(due.map((one) => [one.task.name, one]));
    const starving: Streak[] = [];
    for (const streak of streaks) {
      const one = byName.get(streak.task);
      if (one === undefined || now - streak.openedAt <= this.#bound(one)) continue;
      starving.push(streak);
      if (streak.starving) continue;
      ledger.setStarving(streak.task);
      log(
        "warn",
        `${one.task.label} is starving: deferred ${streak.count === 1 ? "once" : `${streak.count} times`} since ${new Date(streak.openedAt).toISOString()}.`,
        {
          task: streak.task,
        },
      );
    }
    const mayStart = new Set(ready.flatMap(({ task }) => (task.heavy ? [task.name] : [])));
    await this.#reserve(starving.filter(({ task }) => mayStart.has(task)));
  }

  #bound({ cadence }: DueTask): number {
    return this.#parts.maxDeferral ?? Math.max(cadence, HOUR);
  }

  async #reserve(starving: readonly Streak[]): Promise<void> {
    const { keeper, log } = this.#parts;
    const now = monotonicNow();
    if (this.#reservation !== null) {
      const { task, since } = this.#reservation;
      const kept = starving.some((streak) => streak.task === task);
      if (kept && now - since <= RESERVED_FOR) return;
      await keeper.withdraw(task);
      this.#reservation = null;
      if (kept) this.#passed.set(task, now + RESERVED_FOR);
      log("warn", `The lease is kept for ${task} no longer.`, { task });
    }
    const next = starving.find(({ task }) => (this.#passed.get(task) ?? 0) <= now);
    if (next === undefined || !(await keeper.reserve(next.task))) return;
    this.#reservation = { task: next.task, since: now };
    log("info", `The next free lease is kept for ${next.task}.`, { task: next.task });
  }

  /** Taking the lease has ended its reservation. */
  started(task: string): void {
    this.#passed.delete(task);
    if (this.#reservation?.task === task) this.#reservation = null;
  }

  async close(): Promise<void> {
    if (this.#reservation !== null) await this.#parts.keeper.withdraw(this.#reservation.task);
    this.#reservation = null;
  }
}
