import { dueAt } from "./due-at.ts";
import { scheduleProblem } from "./schedule-problem.ts";
import { parseScheduleText, scheduleText, type Schedule } from "./schedule.ts";
import type { TaskTimes } from "./task-times.ts";

/** What the ledger has to write down, both at once. */
export interface NoticedSchedule {
  readonly scheduleText: string;
  readonly anchorAt: number | null;
}

/**
 * Looks whether the schedule is another than it was; null when there is nothing to write down. Changing it starts
 * nothing by itself (in the field, changing the interval fired a backup at once): what was not due under the old
 * schedule and would be under the new one counts from now. What was due already stays so.
 */
export function noticeChange(schedule: Schedule, times: TaskTimes, now: number): NoticedSchedule | null {
  const text = scheduleText(schedule);
  if (text === times.scheduleText) return null;
  if (times.scheduleText === null) return { scheduleText: text, anchorAt: null };
  // A bound on when it may start is no part of whether it is owed.
  const unbound = { ...times, notBefore: null };
  const old = parseScheduleText(times.scheduleText);
  const wasDue = old !== null && scheduleProblem(old) === null && dueAt(old, unbound, now, 0) <= now;
  const wouldBeDue = dueAt(schedule, { ...unbound, anchorAt: null }, now, 0) <= now;
  return { scheduleText: text, anchorAt: wouldBeDue && !wasDue ? now : null };
}
