/** What is remembered of a task between polls, all from the ledger; instants are milliseconds since 1970. */
export interface TaskTimes {
  /** When this task was first seen by this instance. */
  readonly firstSeenAt: number;
  /** Start of the last run that counts (a deferred one does not); null: never. */
  readonly lastRunAt: number | null;
  /** End of the last run; null: never or still running. */
  readonly lastEndedAt: number | null;
  /** First failure of the present streak, and how many; null and 0 when the last run did not fail. */
  readonly failingSince: number | null;
  readonly failures: number;
  /** What the schedule was when noticeChange() last wrote it down; null: never. */
  readonly scheduleText: string | null;
  /** When a change of the schedule would have started a run by itself: it counts from here instead. */
  readonly anchorAt: number | null;
  /** Not before this instant, e.g. after a child said it was deferred; null: no such bound. */
  readonly notBefore: number | null;
}
