import type { Obstacle } from "../ledger/index.ts";
import type { Held } from "../lease/index.ts";

/** Why a due task does not run, or what became of one. They stand in the ledger and in outcomes: never change one. */
export const REASON_CODES = {
  backpressure: "heavy-maintenance-backpressure",
  held: "heavy-maintenance-lease-held",
  acquireError: "heavy-maintenance-lease-acquire-error",
  alreadyRunning: "already-running",
  deferredByChild: "deferred-by-task",
  exit: "exit-code",
  signal: "ended-by-signal",
  failedByChild: "failed-by-task",
  deadline: "deadline",
  stalled: "stalled",
  interrupted: "interrupted",
  notStarted: "not-started",
  partial: "partial-backup",
  damageFound: "damage-found",
} as const;

export interface Deferral {
  readonly obstacle: Obstacle;
  /** The one line of the log, at INFO. */
  readonly line: string;
  /** What makes two deferrals the same one. Holds no counter and no time: one that did flooded a log. */
  readonly key: string;
}

interface Deferred {
  readonly label: string;
  /** The deferred task's own: "periodic-sweep:21600000". */
  readonly reason: string;
}

/** Behind a heavy task of this orchestrator, started in this poll or in an earlier one. */
export function behindTask({ label, reason }: Deferred, blocking: { readonly name: string; readonly label: string }): Deferral {
  return {
    obstacle: {
      reasonCode: REASON_CODES.backpressure,
      reason: `heavy maintenance task ${blocking.label} is active`,
      blockingTask: blocking.name,
      holdingOwner: null,
      holdingPid: null,
    },
    line: `Deferring ${label}; heavy maintenance task ${blocking.label} is active (${reason}).`,
    key: JSON.stringify([REASON_CODES.backpressure, blocking.name]),
  };
}

/** Behind whoever holds the lease, or behind whom it is kept for. */
export function behindHolder({ label, reason }: Deferred, { holder, reservedFor }: Held): Deferral {
  const what =
    reservedFor === null
      ? `held by ${holder?.owner ?? "an unknown holder"}, pid ${holder?.pid ?? "unknown"}`
      : `reserved for ${reservedFor}, which has waited too long`;
  return {
    obstacle: {
      reasonCode: REASON_CODES.held,
      reason: `heavy-maintenance lease ${what}`,
      blockingTask: null,
      holdingOwner: reservedFor ?? holder?.owner ?? null,
      holdingPid: reservedFor === null ? (holder?.pid ?? null) : null,
    },
    line: `Deferring ${label}; heavy-maintenance lease ${what} (${reason}).`,
    key: JSON.stringify([REASON_CODES.held, reservedFor, holder?.owner ?? null, holder?.pid ?? null]),
  };
}
