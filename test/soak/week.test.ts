import { randomInt } from "node:crypto";
import { describe, expect, it } from "vitest";
import { simulateWeek } from "../support/simulated-week.ts";
import { WEEK_TROUBLES } from "../support/week-report.ts";

const FIRST = Number(process.env["SOAK_WEEK_SEED"] ?? randomInt(1_000_000));

/** Weeks with the night in which clocks in Berlin go forward, and back. */
const WEEKS: readonly (readonly [string, number, number])[] = [
  ["clocks go forward", Date.parse("2026-03-25T23:01:00Z"), FIRST],
  ["clocks go back", Date.parse("2026-10-21T22:01:00Z"), FIRST + 1],
];

describe("a week of a daemon by a clock that runs ahead, a backup every six hours", () => {
  it.each(WEEKS)(
    "in which %s: every due backup is taken or told of, and none twice, over restarts, kills and bad runs",
    async (_what, from, seed) => {
      console.log(`SOAK_WEEK_SEED=${seed}`);
      const report = await simulateWeek(
        { seed, from, hours: 7 * 24, every: 6, step: 30 },
        { skip: () => expect.unreachable("cannot mount here") },
      );
      console.log(report.summary());
      expect([report.missed(), report.twice(), report.flaws]).toEqual([[], [], []]);
      expect(report.slots.length).toBeGreaterThan(26);
      expect([...report.met.keys()]).toEqual(expect.arrayContaining([...WEEK_TROUBLES, "outage"]));
    },
  );
});
