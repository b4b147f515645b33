import { Cron, CronPattern } from "croner";
import { ConfigError, InternalError } from "../../kernel/index.ts";
import { zoneClock } from "./zone-clock.ts";

type CronSchedule = { readonly cron: string; readonly timezone: string };
type NextAfter = (instant: number) => number;

/** Spans between two occurrences that were looked up: a poll asks for the same few again and again. */
const REMEMBERED_SPANS = 8;

const compiled = new WeakMap<CronSchedule, NextAfter>();

/**
 * The first occurrence strictly after an instant. What daylight saving does to it:
 * - An expression that names hours means the clock on the wall: a time that the wall skips runs once, when the gap
 *   ends, and a time that it shows twice runs at its first showing. (croner alone never runs "*\/15 2 * * *" on the day
 *   that clocks go forward, and runs it eight times when they go back.)
 * - One that holds for every hour means elapsed time: it neither pauses for the doubled hour nor makes up for the missing one.
 */
export function nextOccurrence(schedule: CronSchedule, after: number): number {
  const known = compiled.get(schedule);
  if (known !== undefined) return known(after);
  const next = remembering(compile(schedule));
  compiled.set(schedule, next);
  return next(after);
}

/**
 * Throws ConfigError for an expression or a time zone that is not understood, and for an expression that never occurs.
 * Keeps nothing of croner's: each of its patterns has a cell for every year up to 9999, 80 KB, and a thousand tasks would
 * hold hundreds of megabytes for what is asked once in an occurrence.
 */
function compile(schedule: CronSchedule): NextAfter {
  const everyHour = holdsForEveryHour(schedule);
  const clock = clockOf(schedule);
  // On the wall there is no daylight saving: croner's calendar is asked as if the wall stood in UTC.
  const onTheWall = (): Cron => new Cron(schedule.cron, { timezone: "UTC" });
  if (onTheWall().nextRun(new Date(0)) === null)
    throw unusable(`Cron expression "${schedule.cron}" never occurs`, "Name a day that some month has");
  if (everyHour) return (instant) => present(new Cron(schedule.cron, { timezone: schedule.timezone }).nextRun(new Date(instant)), schedule);
  return (instant) => {
    const wall = onTheWall();
    let time = clock.wallOf(instant);
    for (;;) {
      time = present(wall.nextRun(new Date(time)), schedule);
      const occurrence = clock.firstAt(time);
      // During the second showing of an hour, its times have been.
      if (occurrence > instant) return occurrence;
    }
  };
}

function holdsForEveryHour({ cron }: CronSchedule): boolean {
  try {
    // Five fields, or six with seconds: a year would make a schedule that ends.
    return new CronPattern(cron, undefined, { mode: "5-or-6-parts" }).hour.every((holds) => holds === 1);
  } catch (cause) {
    throw unusable(`Cannot read cron expression "${cron}"`, 'Write minute, hour, day, month and weekday, like "0 3 * * *"', cause);
  }
}

function clockOf({ timezone }: CronSchedule): ReturnType<typeof zoneClock> {
  try {
    return zoneClock(timezone);
  } catch (cause) {
    throw unusable(`Time zone "${timezone}" is not known`, 'Name one of the IANA time zone database, like "Europe/Berlin" or "UTC"', cause);
  }
}

function unusable(message: string, hint: string, cause?: unknown): ConfigError {
  return new ConfigError("CONFIG_INVALID", message, { hint, cause });
}

function present(next: Date | null, { cron }: CronSchedule): number {
  if (next === null) throw new InternalError(`Cron expression "${cron}" has no further occurrence, though it had one`);
  return next.getTime();
}

/** Between two occurrences the answer is the same one, and a poll that computed it anew would cost a thousand tasks tens of milliseconds. */
function remembering(next: NextAfter): NextAfter {
  const spans: { from: number; readonly until: number }[] = [];
  return (instant) => {
    const known = spans.find(({ from, until }) => from <= instant && instant < until);
    if (known !== undefined) return known.until;
    const until = next(instant);
    const earlier = spans.find((span) => span.until === until);
    if (earlier !== undefined) earlier.from = instant;
    else if (spans.push({ from: instant, until }) > REMEMBERED_SPANS) spans.shift();
    return until;
  };
}
