import { Cron } from "croner";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cronComplaint, longestGapHours } from "./cron.ts";

describe("cronComplaint()", () => {
  it.each([
    "30 3 * * *",
    "0 30 3 * * *",
    " 0   */6 * *\t* ",
    "1,31 8-18/2 1-15 JAN-JUN MON-FRI",
    "0 0 L * *",
    "0 0 15W * *",
    "0 9 * * MON#1",
    "0 0 29 2 *",
  ])("has none of %j", (text) => {
    expect(cronComplaint(text)).toBeUndefined();
  });

  it.each([
    ["", "must be a cron expression of five fields, or six"],
    ["@daily", "must be a cron expression of five fields, or six"],
    ["2026-03-15T14:30:00", "must be a cron expression of five fields, or six"],
    ["* * * *", "must be a cron expression of five fields, or six"],
    ["0 0 0 1 1 * 2026", "must be a cron expression of five fields, or six"],
    ["60 * * * *", "must have minutes from 0 to 59 in its first field"],
    ["* 24 * * *", "must have hours from 0 to 23 in its second field"],
    ["60 * * * * *", "must have seconds from 0 to 59 in its first field"],
    ["0 60 * * * *", "must have minutes from 0 to 59 in its second field"],
    ["0 0 0 * *", "must have days of the month from 1 to 31 in its third field"],
    ["0 0 1 13 *", "must have months from 1 to 12 in its fourth field"],
    ["0 0 * * MUN", "must have days of the week from 0 to 7 in its fifth field"],
    ["5-1 * * * *", "must have minutes"],
    ["*/0 * * * *", "must have minutes"],
    ["1,,2 * * * *", "must have minutes"],
    ["5/5 * * * *", "must have minutes"],
    ["0 0 30 2 *", "must name a day that some month has"],
    ["0 0 31 4,6 *", "must name a day that some month has"],
  ])("says of %j that it %s", (text, complaint) => {
    expect(cronComplaint(text)).toContain(complaint);
  });

  it("accepts what the library that counts the times accepts, and nothing else", () => {
    const low = fc.constantFrom("*", "?", "0", "1,2,3", "5", "*/5", "1-5", "1-5/2", "7-1", "59", "60", "a", "1-", "");
    const day = fc.oneof(low, fc.constantFrom("L", "LW", "15W", "31", "30,31", "32", "L-3"));
    const month = fc.oneof(low, fc.constantFrom("JAN", "2", "2,4", "JAN-MAR", "12", "13", "+1"));
    const week = fc.oneof(low, fc.constantFrom("MON", "FRI#2", "5L", "5#L", "MON-FRI", "SUN-SAT", "+1", "+", "7", "8", "MON#6"));
    const text = fc.tuple(fc.option(low), low, low, day, month, week).map((fields) => fields.filter((field) => field !== null).join(" "));
    const seen = new Set<boolean>();
    fc.assert(
      fc.property(text, (expression) => {
        const accepted = cronComplaint(expression) === undefined;
        seen.add(accepted);
        expect(accepted).toBe(everComes(expression));
      }),
      { numRuns: 1000 },
    );
    expect(seen.size).toBe(2);
  });
});

function everComes(expression: string): boolean {
  try {
    return new Cron(expression, { mode: "5-or-6-parts", timezone: "UTC" }).nextRun() !== null;
  } catch {
    return false;
  }
}

describe("longestGapHours()", () => {
  const SPRING = Date.parse("2026-01-01T00:00:00Z");
  const AUTUMN = Date.parse("2026-09-01T00:00:00Z");

  it.each([
    ["*/5 * * * *", "UTC", SPRING, 1],
    ["* * * * * *", "UTC", SPRING, 1],
    ["0 3 * * *", "UTC", SPRING, 24],
    ["30 3,15 * * *", "UTC", SPRING, 12],
    ["0 3,9 * * *", "UTC", SPRING, 18],
    ["0 3 * * MON-FRI", "UTC", SPRING, 72],
    ["0 0 1 * *", "UTC", SPRING, 744],
    // A weekend that the clocks go back in has an hour more.
    ["0 3 * * MON-FRI", "Europe/Berlin", AUTUMN, 73],
    ["0 3 * * MON-FRI", "Europe/Berlin", SPRING, 72],
    ["0 0 29 2 *", "UTC", SPRING, 70_104],
  ])("of %j in %s is what lies between two of the next hundred", (cron, timezone, now, hours) => {
    expect(longestGapHours(cron, timezone, now)).toBe(hours);
  });
});
