import { cadenceOf, everyOf } from "./cadence-of.ts";
import { nextOccurrence } from "./occurrences.ts";
import { retryDelay } from "./retry-delay.ts";
import type { Schedule } from "./schedule.ts";
import type { TaskTimes } from "./task-times.ts";

/** What is further ahead of now than this was written before the clock was set back. */
const AHEAD = 60_000;
const HOUR = 3_600_000;

/**
 * The instant from which a task is due; it may lie in the past, and stays there until a run counts.
 * It depends on `now` only where a remembered instant lies ahead of it, because the clock was set back.
 */
export function dueAt(schedule: Schedule, times: TaskTimes, now: number, jitter: number): number {
  const due = Math.min(regularDue(schedule, times, now, jitter), retryDue(schedule, times, now));
  const { notBefore } = times;
  return notBefore === null || notBefore > now + HOUR ? due : Math.max(due, notBefore);
}

function regularDue(schedule: Schedule, times: TaskTimes, now: number, jitter: number): number {
  const begun = times.lastRunAt ?? times.firstSeenAt;
  // One run too many, and the times are right again; to wait would be to wait for as long as the clock was wrong.
  if (begun > now + AHEAD) return now;
  const anchor = anchorOf(schedule, times, now);
  if ("cron" in schedule) return nextOccurrence(schedule, Math.max(begun, anchor ?? begun)) + jitter;
  const every = everyOf(schedule);
  // Only the first run has jitter: added to each, it would stretch the cadence.
  if (times.lastRunAt === null && anchor === null) return begun + jitter;
  return Math.max(times.lastRunAt ?? -Infinity, anchor ?? -Infinity) + every;
}

/**
 * When to try again after a failure. The window is one cadence long and begins at the first failure of the streak, so
 * that it cannot slide; a run that failed past it waits for half a cadence. None waits for a whole one.
 */
function retryDue(schedule: Schedule, times: TaskTimes, now: number): number {
  if (times.failures === 0) return Infinity;
  const ended = [times.lastEndedAt, times.lastRunAt].find((at) => at !== null && at <= now + AHEAD);
  if (ended === undefined || ended === null) return Infinity;
  const since = times.failingSince ?? ended;
  const cadence = cadenceOf(schedule, Math.min(since, ended));
  // Where the clock was set back during the streak, the first failure lies after the last.
  const inWindow = Math.abs(ended - since) < cadence;
  const delay = inWindow ? retryDelay(times.failures, cadence) : Math.floor(cadence / 2);
  return Math.max(ended, anchorOf(schedule, times, now) ?? ended) + delay;
}

/** An anchor is never written ahead of its time: one that lies further ahead than can be waited for counts for nothing. */
function anchorOf(schedule: Schedule, { anchorAt }: TaskTimes, now: number): number | null {
  const ahead = "cron" in schedule ? AHEAD : Math.min(schedule.every, HOUR);
  return anchorAt === null || anchorAt > now + ahead ? null : anchorAt;
}
