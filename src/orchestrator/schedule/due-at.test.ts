import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cadenceOf } from "./cadence-of.ts";
import { dueAt } from "./due-at.ts";
import { jitterOf } from "./jitter-of.ts";
import { nextOccurrence } from "./occurrences.ts";
import { retryDelay } from "./retry-delay.ts";
import type { Schedule } from "./schedule.ts";
import type { TaskTimes } from "./task-times.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const NOON = Date.parse("2026-05-20T12:00:00Z");
const HOURLY: Schedule = { every: HOUR };
const NIGHTLY: Schedule = { cron: "0 3 * * *", timezone: "UTC" };
const JITTER = 7 * SECOND;

const NEVER: TaskTimes = {
  firstSeenAt: NOON,
  lastRunAt: null,
  lastEndedAt: null,
  failingSince: null,
  failures: 0,
  scheduleText: null,
  anchorAt: null,
  notBefore: null,
};

/** Milliseconds from noon to when the task is due. */
function due(schedule: Schedule, times: Partial<TaskTimes>, now: number = NOON): number {
  return dueAt(schedule, { ...NEVER, ...times }, now, JITTER) - NOON;
}

describe("dueAt() of every so often", () => {
  it("is one cadence after the last run, without jitter, which would stretch it", () => {
    expect(due(HOURLY, { lastRunAt: NOON })).toBe(HOUR);
  });

  it("of a task that never ran is when it was first seen, with jitter, so that it does not wait a cadence at every restart", () => {
    expect(due(HOURLY, {})).toBe(JITTER);
    expect(due(HOURLY, {}, NOON + 30 * DAY)).toBe(JITTER);
  });

  it("counts from the anchor when it is later than the last run, also for a task that never ran", () => {
    expect(due(HOURLY, { lastRunAt: NOON - DAY, anchorAt: NOON })).toBe(HOUR);
    expect(due(HOURLY, { firstSeenAt: NOON - DAY, anchorAt: NOON })).toBe(HOUR);
    expect(due(HOURLY, { lastRunAt: NOON, anchorAt: NOON - DAY })).toBe(HOUR);
  });
});

describe("dueAt() of a cron expression", () => {
  it("is the next occurrence after the last run or after it was first seen, with jitter", () => {
    expect(due(NIGHTLY, { lastRunAt: NOON })).toBe(15 * HOUR + JITTER);
    expect(due(NIGHTLY, {})).toBe(15 * HOUR + JITTER);
    expect(due(NIGHTLY, { lastRunAt: NOON - DAY, anchorAt: NOON })).toBe(15 * HOUR + JITTER);
  });

  it("a week of missed runs is caught up by one", () => {
    const now = NOON + 7 * DAY;
    expect(due(NIGHTLY, { lastRunAt: NOON }, now)).toBe(15 * HOUR + JITTER);
    expect(due(NIGHTLY, { lastRunAt: now }, now)).toBe(7 * DAY + 15 * HOUR + JITTER);
  });

  it("a run at any second of the jitter is that occurrence's, and not one more before the next", () => {
    const three = NOON + 15 * HOUR;
    for (const late of [0, SECOND, JITTER]) expect(due(NIGHTLY, { lastRunAt: three + late }, three + late)).toBe(39 * HOUR + JITTER);
  });
});

describe("dueAt() after a failure", () => {
  /** From noon to when a task is due that failed so often, first at noon, last so long after noon. */
  const retried = (schedule: Schedule, failures: number, ended: number, later = 0): number =>
    due(schedule, { lastRunAt: NOON + ended - SECOND, lastEndedAt: NOON + ended, failingSince: NOON, failures }, NOON + ended + later);

  it("does not wait a day, although the last-run time is stamped before the start (neomjs/neo#16348)", () => {
    expect(retried(NIGHTLY, 1, 0)).toBe(30 * SECOND);
    expect(retried({ every: DAY }, 1, 0)).toBe(30 * SECOND);
    expect(retried({ every: DAY }, 4, HOUR)).toBe(HOUR + 4 * MINUTE);
    expect(retried({ every: DAY }, 40, HOUR)).toBe(HOUR + 15 * MINUTE);
  });

  it("past the window, which is one cadence from the first failure, it waits half a cadence", () => {
    expect(retried({ every: DAY }, 50, DAY - 1)).toBe(DAY - 1 + 15 * MINUTE);
    expect(retried({ every: DAY }, 50, DAY)).toBe(1.5 * DAY);
    expect(retried({ every: DAY }, 50, 40 * DAY)).toBe(40.5 * DAY);
  });

  it("a retry does not become due later because the window ended while it waited", () => {
    expect(retried({ every: DAY }, 50, DAY - 1, 10 * MINUTE)).toBe(DAY - 1 + 15 * MINUTE);
  });

  it("is the regular one where that is earlier", () => {
    expect(retried(NIGHTLY, 50, 14 * HOUR + 59 * MINUTE)).toBe(15 * HOUR + JITTER);
  });

  it("of a run whose end is not known counts from its start", () => {
    expect(due({ every: DAY }, { lastRunAt: NOON, failingSince: NOON, failures: 1 })).toBe(30 * SECOND);
  });

  it("is counted from a change of the schedule, which starts nothing by itself", () => {
    const last = { lastRunAt: NOON - 5 * HOUR, lastEndedAt: NOON - 5 * HOUR, failingSince: NOON - 2 * DAY, failures: 50 };
    expect(due(HOURLY, { ...last, anchorAt: NOON })).toBe(HOUR / 2);
  });
});

describe("dueAt() with a bound", () => {
  it("waits for it, regular or after a failure", () => {
    expect(due(HOURLY, { lastRunAt: NOON - DAY, notBefore: NOON + MINUTE })).toBe(MINUTE);
    expect(due(HOURLY, { lastRunAt: NOON, failures: 1, failingSince: NOON, notBefore: NOON + 20 * MINUTE })).toBe(20 * MINUTE);
    expect(due(HOURLY, { lastRunAt: NOON, notBefore: NOON + MINUTE })).toBe(HOUR);
  });
});

describe("dueAt() when the clock was set back", () => {
  it("a task that ran or was first seen later than now is due now", () => {
    for (const schedule of [HOURLY, NIGHTLY]) {
      expect(due(schedule, { lastRunAt: NOON + 365 * DAY })).toBe(0);
      expect(due(schedule, { firstSeenAt: NOON + 365 * DAY })).toBe(0);
    }
  });

  it("a minute is nothing: clocks are adjusted by seconds all the time", () => {
    expect(due(HOURLY, { lastRunAt: NOON + MINUTE })).toBe(HOUR + MINUTE);
    expect(due(HOURLY, { lastRunAt: NOON + MINUTE + 1 })).toBe(0);
  });

  it("an anchor and a bound that nobody can have written yet count for nothing", () => {
    expect(due(HOURLY, { lastRunAt: NOON, anchorAt: NOON + 2 * HOUR })).toBe(HOUR);
    expect(due(NIGHTLY, { lastRunAt: NOON, anchorAt: NOON + 20 * HOUR })).toBe(15 * HOUR + JITTER);
    expect(due({ every: 10 * MINUTE }, { lastRunAt: NOON, anchorAt: NOON + 20 * MINUTE })).toBe(10 * MINUTE);
    // Half an hour before three, it would hide the occurrence at three.
    const night = { lastRunAt: NOON, anchorAt: NOON + 15.2 * HOUR };
    expect(due(NIGHTLY, night, NOON + 14.5 * HOUR)).toBe(15 * HOUR + JITTER);
    expect(due(HOURLY, { lastRunAt: NOON - DAY, notBefore: NOON + HOUR + 1 })).toBe(HOUR - DAY);
    expect(due(HOURLY, { lastRunAt: NOON - DAY, notBefore: NOON + HOUR })).toBe(HOUR);
  });

  it("during a streak of failures, retries go on: by the end of the run, else by its start, else now", () => {
    const since = { failures: 3, failingSince: NOON + 5 * HOUR };
    expect(due({ every: DAY }, { ...since, lastRunAt: NOON - HOUR, lastEndedAt: NOON - MINUTE })).toBe(MINUTE);
    expect(due({ every: DAY }, { ...since, lastRunAt: NOON - HOUR, lastEndedAt: NOON + 5 * HOUR })).toBe(-HOUR + 2 * MINUTE);
    expect(due({ every: DAY }, { ...since, lastRunAt: NOON + 5 * HOUR, lastEndedAt: NOON + 5 * HOUR })).toBe(0);
    expect(due(NIGHTLY, { ...since, failingSince: 8.64e15, lastRunAt: NOON - HOUR, lastEndedAt: NOON })).toBe(12 * HOUR);
    // A first failure that lies years ahead opens no window of years.
    expect(due({ every: DAY }, { ...since, failingSince: NOON + 900 * DAY, lastRunAt: NOON, lastEndedAt: NOON })).toBe(DAY / 2);
  });
});

const schedules: fc.Arbitrary<Schedule> = fc.oneof(
  fc.record({ every: fc.oneof(fc.integer({ min: SECOND, max: HOUR }), fc.integer({ min: HOUR, max: 30 * DAY })) }),
  fc.record({
    cron: fc.constantFrom("* * * * *", "*/15 * * * *", "30 2 * * *", "*/20 1-3 * * *", "0 9,10 * * 1-5", "0 0 1 * *", "15 4 29 2 *"),
    timezone: fc.constantFrom("UTC", "Europe/Berlin", "America/New_York", "Pacific/Auckland"),
  }),
);
/** Around the changes of clocks of 2026, and jumps of seconds to decades. */
const nows = fc
  .constantFrom("2026-03-08T06:59:00Z", "2026-03-29T00:59:00Z", "2026-10-25T00:59:00Z", "2026-11-01T05:59:00Z")
  .chain((at) => fc.integer({ min: -2 * DAY, max: 2 * DAY }).map((offset) => Date.parse(at) + offset));
const jumps = fc.oneof(
  fc.integer({ min: -2 * MINUTE, max: 2 * MINUTE }),
  fc.integer({ min: -3 * DAY, max: 3 * DAY }),
  fc.integer({ min: -20 * 365 * DAY, max: 20 * 365 * DAY }),
);
const maybe = (arbitrary: fc.Arbitrary<number>): fc.Arbitrary<number | null> => fc.option(arbitrary, { nil: null });

/** Times that lie anywhere about now, in any order: what a ledger may hold after clocks were set. */
function anyTimes(now: number): fc.Arbitrary<TaskTimes> {
  const at = jumps.map((offset) => now + offset);
  return fc.record({
    firstSeenAt: at,
    lastRunAt: maybe(at),
    lastEndedAt: maybe(at),
    failingSince: maybe(at),
    failures: fc.oneof(fc.constant(0), fc.nat(5), fc.nat(100_000)),
    scheduleText: fc.constant(null),
    anchorAt: maybe(at),
    notBefore: maybe(at),
  });
}

/** Times as they are where no clock jumps: first seen, then run, then ended, and now. */
function soundTimes(now: number): fc.Arbitrary<TaskTimes> {
  const past = fc.integer({ min: 0, max: 40 * DAY }).map((ago) => now - ago);
  return fc
    .record({ ran: fc.uniqueArray(past, { minLength: 4, maxLength: 4 }), anchorAt: maybe(past), failures: fc.nat(20) })
    .map(({ ran, anchorAt, failures }) => {
      const [firstSeenAt = now, failingSince = now, lastRunAt = now, lastEndedAt = now] = ran.toSorted((a, b) => a - b);
      const failing = failures > 0;
      return { ...NEVER, firstSeenAt, lastRunAt, lastEndedAt, anchorAt, failures, failingSince: failing ? failingSince : null };
    });
}

const scene = (
  timesOf: (now: number) => fc.Arbitrary<TaskTimes>,
): fc.Arbitrary<{ schedule: Schedule; now: number; times: TaskTimes; jitter: number }> =>
  fc
    .tuple(schedules, nows, fc.string())
    .chain(([schedule, now, task]) =>
      timesOf(now).map((times) => ({ schedule, now, times, jitter: jitterOf("box", task, cadenceOf(schedule, now)) })),
    );

describe("dueAt(), for any times and any jumps of the clock", () => {
  it("is never later than one cadence or the next occurrence, jitter and an hour from now", () => {
    fc.assert(
      fc.property(scene(anyTimes), ({ schedule, now, times, jitter }) => {
        // What the clock may be wrong by without being wrong is a minute.
        const regular = "every" in schedule ? now + schedule.every : nextOccurrence(schedule, now + MINUTE);
        expect(dueAt(schedule, times, now, jitter)).toBeLessThanOrEqual(regular + jitter + HOUR);
      }),
      { numRuns: 3000 },
    );
  });

  it("answers a run that fails without end before a whole cadence has passed", () => {
    fc.assert(
      fc.property(scene(soundTimes), ({ schedule, now, times, jitter }) => {
        const failing = {
          ...times,
          failures: times.failures + 1,
          failingSince: times.failingSince ?? now,
          lastRunAt: now,
          lastEndedAt: now,
        };
        const wait = dueAt(schedule, failing, now, jitter) - now;
        expect(wait).toBeGreaterThan(-1);
        expect(wait).toBeLessThan(cadenceOf(schedule, Math.min(failing.failingSince, now)));
      }),
      { numRuns: 1000 },
    );
  });

  it("does not depend on now where no time lies ahead of it", () => {
    fc.assert(
      fc.property(scene(soundTimes), fc.nat(400 * DAY), ({ schedule, now, times, jitter }, later) => {
        expect(dueAt(schedule, times, now + later, jitter)).toBe(dueAt(schedule, times, now, jitter));
      }),
      { numRuns: 1000 },
    );
  });

  it("never moves back when the last run moves on", () => {
    fc.assert(
      fc.property(scene(soundTimes), fc.double({ min: 0, max: 1, noNaN: true }), ({ schedule, now, times, jitter }, share) => {
        const lastRunAt = times.lastRunAt ?? now;
        const later = { ...times, lastRunAt: Math.floor(lastRunAt + (now - lastRunAt) * share) };
        expect(dueAt(schedule, later, now, jitter)).toBeGreaterThanOrEqual(dueAt(schedule, times, now, jitter));
      }),
      { numRuns: 1000 },
    );
  });

  it("a run when it is due makes the next one due later, whether it fails or not", () => {
    fc.assert(
      fc.property(scene(soundTimes), fc.nat(DAY), fc.nat(HOUR), fc.boolean(), ({ schedule, now, times, jitter }, late, took, fails) => {
        const begun = Math.max(now, dueAt(schedule, times, now, jitter)) + late;
        const failing = fails
          ? { failures: times.failures + 1, failingSince: times.failingSince ?? begun }
          : { failures: 0, failingSince: null };
        const after = { ...times, ...failing, lastRunAt: begun, lastEndedAt: begun + took };
        expect(dueAt(schedule, after, begun + took, jitter)).toBeGreaterThan(begun);
      }),
      { numRuns: 1000 },
    );
  });

  it("the retry window never slides: however many runs fail, those that end past it are half a cadence apart", () => {
    const cadences = fc.integer({ min: MINUTE, max: 7 * DAY });
    fc.assert(
      fc.property(cadences, fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 150, maxLength: 150 }), (every, delays) => {
        let [begun, ended, pastWindow] = [NOON - 10, NOON, 0];
        for (const [index, delay] of delays.entries()) {
          const failures = index + 1;
          const next = dueAt({ every }, { ...NEVER, lastRunAt: begun, lastEndedAt: ended, failingSince: NOON, failures }, ended, 0);
          const inWindow = ended < NOON + every;
          expect(next).toBe(ended + (inWindow ? retryDelay(failures, every) : Math.floor(every / 2)));
          if (!inWindow) pastWindow += 1;
          // A poll finds it due a little later, and it fails at once.
          begun = next + delay;
          ended = begun + 1;
        }
        // A day has room for 96 retries, each a quarter of an hour after the one before.
        if (every < DAY) expect(pastWindow).toBeGreaterThan(20);
      }),
      { numRuns: 100 },
    );
  });
});
