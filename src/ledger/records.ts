/** What became of a run. */
export type Outcome = "running" | "completed" | "failed" | "skipped";

/** What is remembered of a task; instants are milliseconds since 1970. */
export interface TaskRecord {
  readonly name: string;
  readonly firstSeenAt: number;
  /** Start of the last run that counts; a deferred one does not. */
  readonly lastRunAt: number | null;
  readonly lastEndedAt: number | null;
  readonly lastCompletedAt: number | null;
  readonly lastOutcome: Outcome | null;
  readonly lastReasonCode: string | null;
  readonly lastReason: string | null;
  /** First failure of the present streak. */
  readonly failingSince: number | null;
  readonly failures: number;
  readonly scheduleText: string | null;
  readonly anchorAt: number | null;
  readonly notBefore: number | null;
  /** Since when it is due whatever its schedule says; until its next start. */
  readonly askedAt: number | null;
}

export interface RunRecord {
  readonly id: number;
  readonly task: string;
  readonly kind: "task" | "service";
  /** Why it ran: "periodic-sweep:600000", "manual". */
  readonly trigger: string;
  readonly outcome: Outcome;
  readonly reasonCode: string | null;
  readonly reason: string | null;
  readonly startedAt: number;
  readonly endedAt: number | null;
  /** Of the process that supervises it. */
  readonly presence: string;
  /** Of the program, and of its process group; null until it was started. */
  readonly child: { readonly pid: number; readonly start: string; readonly boot_id: string } | null;
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** File with what it printed. */
  readonly output: string | null;
  readonly lastLines: string | null;
  readonly backupId: string | null;
}

/** What stood in the way. */
export interface Obstacle {
  readonly reasonCode: string;
  readonly reason: string;
  readonly blockingTask: string | null;
  readonly holdingOwner: string | null;
  readonly holdingPid: number | null;
}

/** One row for as long as a task is kept from running, however many polls that takes and whoever is in the way. */
export interface Streak extends Obstacle {
  readonly task: string;
  readonly openedAt: number;
  readonly lastAt: number;
  readonly count: number;
  /** It has waited past its bound. */
  readonly starving: boolean;
}

/** Somebody who waits for the lease, as a script under `lease run --wait` does. */
export interface Waiter {
  readonly owner: string;
  readonly pid: number;
  readonly since: number;
}

export interface RunEnd {
  readonly outcome: Exclude<Outcome, "running">;
  readonly reasonCode: string | null;
  readonly reason: string | null;
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly lastLines: string | null;
  readonly backupId: string | null;
}
