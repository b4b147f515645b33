import { describe, expect, it } from "vitest";
import { simulateWeek } from "../support/simulated-week.ts";
import { WeekReport } from "../support/week-report.ts";
import { weekSlots } from "../support/week-slots.ts";

/** Midnight in Berlin before the night in which clocks go forward, and a minute, which is past every jitter. */
const SPRING = Date.parse("2026-03-28T23:01:00Z");

describe("a night and a day of a daemon by a clock that runs ahead", () => {
  it(
    "has every due backup taken or told of, and none twice, over restarts, kills, bad runs and the night in which clocks go forward",
    { timeout: 240_000 },
    async (test) => {
      const report = await simulateWeek({ seed: 449, from: SPRING, hours: 16, every: 2, step: 40 }, test);
      console.log(report.summary());
      if (report.missed().length + report.twice().length > 0) console.log(report.history());
      expect([report.missed(), report.twice(), report.flaws]).toEqual([[], [], []]);
      expect(report.slots).toHaveLength(8);
      expect([...report.met.keys()]).toEqual(expect.arrayContaining(["restart", "kill", "component missing", "vault full", "lease held"]));
    },
  );
});

describe("weekSlots()", () => {
  it("knows the hours of the wall clock in the nights in which they are one too few and one too many", () => {
    const slots = (every: number, from: string, until: string): string[] =>
      weekSlots(every, Date.parse(from), Date.parse(until)).map((slot) => new Date(slot).toISOString().slice(11, 13));
    expect(slots(2, "2026-03-28T22:59:00Z", "2026-03-29T05:00:00Z")).toEqual(["23", "01", "02", "04"]);
    expect(slots(2, "2026-10-24T21:59:00Z", "2026-10-25T06:00:00Z")).toEqual(["22", "00", "03", "05"]);
    expect(slots(6, "2026-10-24T21:59:00Z", "2026-10-25T12:00:00Z")).toEqual(["22", "05", "11"]);
  });
});

describe("WeekReport", () => {
  it("sees a due time without a backup or a word, one after which none came, and one with two", () => {
    const report = new WeekReport(1);
    report.slots = [100, 200, 300, 400, 500];
    const backup = (time: number): WeekReport["backups"][number] => ({ id: `at ${time}`, time, sequence: time });
    report.backups = [backup(101), backup(150), backup(310)];
    report.alarms.set(400, "the newest run failed");
    report.down.add(500);
    const instant = (millis: number): string => new Date(millis).toISOString();
    expect(report.missed()).toEqual([instant(200), instant(500)]);
    report.down.add(200);
    expect(report.missed()).toEqual([instant(500)]);
    expect(report.twice()).toEqual([`${instant(100)}: at 101, at 150`]);
  });
});
