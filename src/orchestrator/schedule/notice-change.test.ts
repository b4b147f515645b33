import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { dueAt } from "./due-at.ts";
import { noticeChange } from "./notice-change.ts";
import { scheduleText, type Schedule } from "./schedule.ts";
import type { TaskTimes } from "./task-times.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const NOON = Date.parse("2026-05-20T12:00:00Z");
const HOURLY: Schedule = { every: HOUR };
const DAILY: Schedule = { every: DAY };
const NIGHTLY: Schedule = { cron: "0 3 * * *", timezone: "UTC" };

/** A task of the schedule that ran so long before noon; null: never. */
function ran(ago: number | null, schedule: Schedule | null, more: Partial<TaskTimes> = {}): TaskTimes {
  return {
    firstSeenAt: NOON - 30 * DAY,
    lastRunAt: ago === null ? null : NOON - ago,
    lastEndedAt: ago === null ? null : NOON - ago + 1,
    failingSince: null,
    failures: 0,
    scheduleText: schedule === null ? null : scheduleText(schedule),
    anchorAt: null,
    notBefore: null,
    ...more,
  };
}

/** When it is due, from noon, once what was noticed is written down. */
function dueAfter(schedule: Schedule, times: TaskTimes): number {
  return dueAt(schedule, { ...times, ...noticeChange(schedule, times, NOON) }, NOON, 0) - NOON;
}

describe("noticeChange()", () => {
  it("writes down the first schedule that it sees, and nothing while it stays the same", () => {
    expect(noticeChange(HOURLY, ran(DAY, null), NOON)).toEqual({ scheduleText: "every 3600000", anchorAt: null });
    expect(noticeChange(HOURLY, ran(DAY, HOURLY, { anchorAt: NOON - MINUTE }), NOON)).toBeNull();
    expect(noticeChange({ cron: "0  3 * * *", timezone: "UTC" }, ran(DAY, NIGHTLY), NOON)).toBeNull();
  });

  it("a shorter interval fires nothing by itself: it is due one new interval from now", () => {
    expect(noticeChange(HOURLY, ran(5 * HOUR, DAILY), NOON)).toEqual({ scheduleText: "every 3600000", anchorAt: NOON });
    expect(dueAfter(HOURLY, ran(5 * HOUR, DAILY))).toBe(HOUR);
  });

  it("a shorter interval that has not passed yet counts from the last run", () => {
    expect(noticeChange(HOURLY, ran(10 * MINUTE, DAILY), NOON)).toEqual({ scheduleText: "every 3600000", anchorAt: null });
    expect(dueAfter(HOURLY, ran(10 * MINUTE, DAILY))).toBe(50 * MINUTE);
  });

  it("from an interval to a cron expression and back fires nothing either", () => {
    expect(dueAfter(NIGHTLY, ran(10 * HOUR, DAILY))).toBe(15 * HOUR);
    expect(dueAfter(HOURLY, ran(9 * HOUR, NIGHTLY))).toBe(HOUR);
    expect(dueAfter(HOURLY, ran(null, { cron: "0 3 1 1 *", timezone: "UTC" }))).toBe(HOUR);
    expect(dueAfter({ ...NIGHTLY, timezone: "America/New_York" }, ran(8.5 * HOUR, NIGHTLY))).toBe(19 * HOUR);
  });

  it("what was due already stays due", () => {
    expect(noticeChange(HOURLY, ran(2 * DAY, DAILY), NOON)).toEqual({ scheduleText: "every 3600000", anchorAt: null });
    expect(dueAfter(HOURLY, ran(2 * DAY, DAILY))).toBeLessThan(0);
    expect(dueAfter(NIGHTLY, ran(2 * DAY, HOURLY))).toBeLessThan(0);
    expect(dueAfter(HOURLY, ran(2 * DAY, DAILY, { notBefore: NOON + MINUTE }))).toBe(MINUTE);
  });

  it("a bound that is about to end hides no change that would fire", () => {
    expect(dueAfter(HOURLY, ran(5 * HOUR, DAILY, { notBefore: NOON + MINUTE }))).toBe(HOUR);
  });

  it("a second change soon after the first does not forget that the first held a run back", () => {
    const first = ran(5 * HOUR, HOURLY, { anchorAt: NOON - 10 * MINUTE });
    expect(dueAfter({ every: 2 * HOUR }, first)).toBe(2 * HOUR);
  });

  it("a streak of failures is not retried at once because the interval was changed", () => {
    const failing = { failures: 9, failingSince: NOON - 40 * DAY };
    expect(dueAfter(HOURLY, ran(5 * HOUR, DAILY, failing))).toBe(HOUR / 2);
  });

  it("an old schedule that cannot be read counts as another one that was not due", () => {
    for (const old of ["every 6h", "cron 61 * * * * UTC", "cron 0 3 * * * Europe/Atlantis", "every 0", ""])
      expect(noticeChange(HOURLY, ran(2 * DAY, null, { scheduleText: old }), NOON)).toEqual({
        scheduleText: "every 3600000",
        anchorAt: NOON,
      });
  });

  it("no change makes a task due that was not, and no change makes one wait for longer than its new schedule", () => {
    const schedule = fc.oneof(
      fc.integer({ min: 1000, max: 30 * DAY }).map((every) => ({ every })),
      fc.constantFrom("*/15 * * * *", "0 3 * * *", "0 3 * * 1", "30 12 1 * *").map((cron) => ({ cron, timezone: "Europe/Berlin" })),
    );
    const ago = fc.option(fc.nat(40 * DAY), { nil: null });
    const times = fc.record({ ago, anchored: ago, failures: fc.nat(3), since: fc.nat(40 * DAY) });
    fc.assert(
      fc.property(schedule, schedule, times, (old, now, { ago: before, anchored, failures, since }) => {
        const failing = failures > 0 ? { failures, failingSince: NOON - since } : {};
        const state = ran(before, old, { ...failing, anchorAt: anchored === null ? null : NOON - anchored });
        fc.pre(scheduleText(old) !== scheduleText(now));
        if (dueAt(old, state, NOON, 0) > NOON) expect(dueAfter(now, state)).toBeGreaterThan(0);
        const fromNow = dueAt(now, ran(0, now), NOON, 0) - NOON;
        expect(dueAfter(now, state)).toBeLessThanOrEqual(fromNow);
      }),
      { numRuns: 2000 },
    );
  });
});
