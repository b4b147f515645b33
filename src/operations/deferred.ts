import type { Streak } from "../ledger/index.ts";

/** What became of a due task that was kept from running, for people and programs. Instants are ISO 8601. */
export interface DeferredTask {
  readonly task: string;
  readonly outcome: "skipped";
  readonly reasonCode: string;
  readonly reason: string;
  /** The heavy task of the same orchestrator that is in the way. */
  readonly blockingTaskName: string | null;
  /** Whoever holds the lease, or for whom it is kept. */
  readonly holdingOwner: string | null;
  readonly holdingPid: number | null;
  /** The newest deferral, and the first of the streak. */
  readonly deferredAt: string;
  readonly deferredSince: string;
  /** How often in this streak. */
  readonly count: number;
  readonly starving: boolean;
}

export function deferredTask(streak: Streak): DeferredTask {
  return {
    task: streak.task,
    outcome: "skipped",
    reasonCode: streak.reasonCode,
    reason: streak.reason,
    blockingTaskName: streak.blockingTask,
    holdingOwner: streak.holdingOwner,
    holdingPid: streak.holdingPid,
    deferredAt: new Date(streak.lastAt).toISOString(),
    deferredSince: new Date(streak.openedAt).toISOString(),
    count: streak.count,
    starving: streak.starving,
  };
}
