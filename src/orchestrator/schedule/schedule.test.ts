import { describe, expect, it } from "vitest";
import { cadenceOf } from "./cadence-of.ts";
import { jitterOf } from "./jitter-of.ts";
import { overdueBy } from "./overdue-by.ts";
import { retryDelay } from "./retry-delay.ts";
import { scheduleProblem } from "./schedule-problem.ts";
import { parseScheduleText, reasonOf, scheduleText } from "./schedule.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const NIGHTLY = { cron: "0 3 * * *", timezone: "Europe/Berlin" };

describe("scheduleText()", () => {
  it("is one text for one schedule, however its fields are spaced, and parseScheduleText() reads it back", () => {
    expect(scheduleText({ every: 21_600_000 })).toBe("every 21600000");
    expect(scheduleText({ cron: " 0  3 *\t* * ", timezone: "Europe/Berlin" })).toBe("cron 0 3 * * * Europe/Berlin");
    expect(parseScheduleText("every 21600000")).toEqual({ every: 21_600_000 });
    expect(parseScheduleText("cron 0 3 * * * Europe/Berlin")).toEqual(NIGHTLY);
  });

  it("of another form is read back by parseScheduleText() as nothing", () => {
    for (const text of ["", "every", "every -1", "every 6h", "cron", "cron 0", "weekly 3"]) expect(parseScheduleText(text)).toBeNull();
  });
});

describe("reasonOf()", () => {
  it("is what log lines show in brackets", () => {
    expect(reasonOf({ every: 21_600_000 })).toBe("periodic-sweep:21600000");
    expect(reasonOf(NIGHTLY)).toBe("cron-sweep:0 3 * * * Europe/Berlin");
  });
});

describe("cadenceOf()", () => {
  it("of a cron expression is the gap between the next two occurrences", () => {
    const from = Date.parse("2026-03-13T12:00:00Z");
    expect(cadenceOf({ every: 1234 }, from)).toBe(1234);
    expect(cadenceOf(NIGHTLY, from)).toBe(DAY);
    expect(cadenceOf({ cron: "0 9,10 * * *", timezone: "UTC" }, from)).toBe(HOUR);
    expect(cadenceOf({ cron: "0 9,10 * * *", timezone: "UTC" }, Date.parse("2026-03-13T09:30:00Z"))).toBe(23 * HOUR);
    // The night in which clocks go forward is an hour shorter.
    expect(cadenceOf(NIGHTLY, Date.parse("2026-03-27T12:00:00Z"))).toBe(23 * HOUR);
  });
});

describe("scheduleProblem()", () => {
  it("is null for what can be used", () => {
    for (const cron of ["* * * * *", "0 3 * * 1-5", "0 3 L * *", "@daily", "30 0 3 * * *", "0 0 29 2 *"])
      expect(scheduleProblem({ cron, timezone: "America/New_York" })).toBeNull();
    expect(scheduleProblem({ every: 1 })).toBeNull();
  });

  it("refuses what is not understood, what never occurs, what ends, and what is due for ever", () => {
    const problem = (cron: string, timezone = "UTC"): string | undefined => scheduleProblem({ cron, timezone })?.message;
    expect(problem("61 * * * *")).toBe('Cannot read cron expression "61 * * * *"');
    for (const cron of ["", "daily", "0 3 * *", "2026-01-01T00:00:00", "0 0 3 * * * 2030", "0 3 * * * # night"])
      expect(problem(cron)).toBe(`Cannot read cron expression "${cron}"`);
    expect(problem("0 3 30 2 *")).toBe('Cron expression "0 3 30 2 *" never occurs');
    expect(problem("0 3 * * *", "Europe/Atlantis")).toBe('Time zone "Europe/Atlantis" is not known');
    expect(problem("0 3 * * *", "")).toBe('Time zone "" is not known');
    for (const every of [0, -1, 1.5, Number.NaN, Infinity])
      expect(scheduleProblem({ every })).toMatchObject({
        code: "CONFIG_INVALID",
        message: `Cannot run a task every "${every}" milliseconds`,
      });
  });
});

describe("jitterOf()", () => {
  it("is stable for a task of an instance, and another for another", () => {
    const tasks = Array.from({ length: 100 }, (_, n) => `task-${n}`);
    const jitters = tasks.map((task) => jitterOf("box", task, DAY));
    expect(tasks.map((task) => jitterOf("box", task, DAY))).toEqual(jitters);
    expect(new Set(jitters).size).toBeGreaterThan(95);
    expect(tasks.map((task) => jitterOf("other", task, DAY))).not.toEqual(jitters);
    expect(jitterOf("a", "b-c", DAY)).not.toBe(jitterOf("a-b", "c", DAY));
  });

  it("is spread over at most 30 s, and over at most a tenth of the cadence", () => {
    for (const [cadence, most] of [
      [DAY, 30_000],
      [60_000, 6000],
      [5, 1],
    ] as const) {
      const jitters = Array.from({ length: 1000 }, (_, n) => jitterOf("box", `task-${n}`, cadence));
      expect(Math.min(...jitters)).toBeLessThanOrEqual(most / 50);
      expect(Math.min(...jitters)).toBeGreaterThanOrEqual(0);
      expect(Math.max(...jitters)).toBeLessThan(most);
      expect(Math.max(...jitters)).toBeGreaterThanOrEqual(Math.floor(most * 0.98) - 1);
    }
  });
});

describe("retryDelay()", () => {
  it("doubles from 30 s to 15 min, and is never more than a quarter of the cadence", () => {
    expect([1, 2, 3, 4, 5, 6, 7, 5000].map((failures) => retryDelay(failures, DAY) / 1000)).toEqual([30, 60, 120, 240, 480, 900, 900, 900]);
    expect(retryDelay(1, 60_000)).toBe(15_000);
    expect(retryDelay(5000, 10 * 60_000)).toBe(150_000);
  });
});

describe("overdueBy()", () => {
  it("is how late a task is in cadences, so that an hour of ten minutes is later than an hour of a day", () => {
    expect(overdueBy(10 * HOUR, 9 * HOUR, HOUR / 6)).toBe(6);
    expect(overdueBy(10 * HOUR, 9 * HOUR, DAY)).toBeCloseTo(1 / 24);
    expect(overdueBy(9 * HOUR, 10 * HOUR, HOUR)).toBe(-1);
  });
});
