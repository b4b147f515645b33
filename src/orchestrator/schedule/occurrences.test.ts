import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nextOccurrence } from "./occurrences.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Occurrences after `from`, and not after `until`. */
function occurrences(cron: string, timezone: string, from: string, until: string): string[] {
  const schedule = { cron, timezone };
  const found: string[] = [];
  let at = nextOccurrence(schedule, Date.parse(from));
  for (; at <= Date.parse(until); at = nextOccurrence(schedule, at)) found.push(new Date(at).toISOString().replace(/:00.000Z$/, "Z"));
  return found;
}

describe("nextOccurrence()", () => {
  it("lies strictly after the instant, to the millisecond", () => {
    const daily = { cron: "0 3 * * *", timezone: "UTC" };
    const three = Date.parse("2026-01-01T03:00:00Z");
    for (const before of [1, 500, 999, 1000]) expect(nextOccurrence(daily, three - before)).toBe(three);
    for (const after of [0, 1, 999]) expect(nextOccurrence(daily, three + after)).toBe(three + 24 * HOUR);
  });

  it("gives the same answers in any order of asking", () => {
    const schedule = { cron: "0 */6 * * *", timezone: "Europe/Berlin" };
    const instants = Array.from({ length: 40 }, (_, n) => Date.parse("2026-10-24T00:00:00Z") + n * 2 * HOUR);
    const forward = instants.map((instant) => nextOccurrence(schedule, instant));
    const backward = instants.toReversed().map((instant) => nextOccurrence(schedule, instant));
    const fresh = instants.map((instant) => nextOccurrence({ ...schedule }, instant));
    expect(backward.toReversed()).toEqual(forward);
    expect(fresh).toEqual(forward);
  });
});

describe("nextOccurrence() when clocks go forward", () => {
  it("a daily time in the missing hour runs once, when the gap ends", () => {
    expect(occurrences("30 2 * * *", "Europe/Berlin", "2026-03-28T00:00:00Z", "2026-03-30T12:00:00Z")).toEqual([
      "2026-03-28T01:30Z",
      "2026-03-29T01:00Z",
      "2026-03-30T00:30Z",
    ]);
    expect(occurrences("30 2 * * *", "America/New_York", "2026-03-07T00:00:00Z", "2026-03-09T12:00:00Z")).toEqual([
      "2026-03-07T07:30Z",
      "2026-03-08T07:00Z",
      "2026-03-09T06:30Z",
    ]);
  });

  it("several times in the missing hour run once together, and do not wait for the next day", () => {
    for (const cron of ["*/15 2 * * *", "0,30 2 * * *", "30 2,14 * * *", "0 2-3 * * *", "0 */2 * * *"])
      expect(occurrences(cron, "Europe/Berlin", "2026-03-29T00:30:00Z", "2026-03-29T01:45:00Z")).toEqual(["2026-03-29T01:00Z"]);
  });

  it("every quarter of an hour stays every quarter of an hour", () => {
    const expected = ["00:30", "00:45", "01:00", "01:15", "01:30"];
    expect(occurrences("*/15 * * * *", "Europe/Berlin", "2026-03-29T00:15:00Z", "2026-03-29T01:30:00Z")).toEqual(
      expected.map((time) => `2026-03-29T${time}Z`),
    );
    expect(occurrences("*/15 * * * *", "America/New_York", "2026-03-08T06:30:00Z", "2026-03-08T07:15:00Z")).toEqual([
      "2026-03-08T06:45Z",
      "2026-03-08T07:00Z",
      "2026-03-08T07:15Z",
    ]);
  });

  it("where midnight is what is missing, a time after it runs at one o'clock", () => {
    expect(occurrences("30 0 * * *", "Asia/Beirut", "2026-03-28T12:00:00Z", "2026-03-29T22:00:00Z")).toEqual([
      "2026-03-28T22:00Z",
      "2026-03-29T21:30Z",
    ]);
  });
});

describe("nextOccurrence() when clocks go back", () => {
  it("a daily time in the doubled hour runs once, at its first showing", () => {
    expect(occurrences("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", "2026-10-26T12:00:00Z")).toEqual([
      "2026-10-25T00:30Z",
      "2026-10-26T01:30Z",
    ]);
    expect(occurrences("30 1 * * *", "America/New_York", "2026-10-31T12:00:00Z", "2026-11-02T12:00:00Z")).toEqual([
      "2026-11-01T05:30Z",
      "2026-11-02T06:30Z",
    ]);
  });

  it("several times in the doubled hour run once each", () => {
    expect(occurrences("*/15 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z")).toEqual([
      "2026-10-25T00:00Z",
      "2026-10-25T00:15Z",
      "2026-10-25T00:30Z",
      "2026-10-25T00:45Z",
    ]);
    expect(occurrences("0 */2 * * *", "Europe/Berlin", "2026-10-24T23:00:00Z", "2026-10-25T04:00:00Z")).toEqual([
      "2026-10-25T00:00Z",
      "2026-10-25T03:00Z",
    ]);
  });

  it("a run that begins within the second showing waits for the next day", () => {
    const schedule = { cron: "*/15 2 * * *", timezone: "Europe/Berlin" };
    expect(nextOccurrence(schedule, Date.parse("2026-10-25T01:10:00Z"))).toBe(Date.parse("2026-10-26T01:00:00Z"));
  });

  it("every quarter of an hour does not pause for an hour", () => {
    const found = occurrences("*/15 * * * *", "America/New_York", "2026-11-01T04:00:00Z", "2026-11-01T08:00:00Z");
    expect(found).toHaveLength(16);
    expect(new Set(found.map((at) => Date.parse(at) % (15 * MINUTE)))).toEqual(new Set([0]));
  });
});

/** Minutes from midnight that the wall shows, for each minute of some days, one by one: nothing here knows a rule. */
function wallMinutes(timezone: string, from: number, minutes: number): { at: number; wall: number }[] {
  const format = new Intl.DateTimeFormat("en-GB", { timeZone: timezone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  return Array.from({ length: minutes }, (_, n) => {
    const at = from + n * MINUTE;
    const [hour, minute] = format.format(at).split(":").map(Number);
    return { at, wall: (hour ?? 0) * 60 + (minute ?? 0) };
  });
}

/** What the wall says, walked minute by minute: skipped times fall together when the gap ends, and shown ones count once a day. */
function walked(minutes: readonly { at: number; wall: number }[], matches: (wall: number) => boolean): number[] {
  const found: number[] = [];
  let furthest = minutes[0]?.wall ?? 0;
  for (const { at, wall } of minutes.slice(1)) {
    // Midnight is a step back of nearly a day, and so is a step forward over it of a little more than a minute.
    const step = ((wall - furthest + 36 * 60) % (24 * 60)) - 12 * 60;
    if (step <= 0) continue;
    if (Array.from({ length: step }, (_, n) => (furthest + 1 + n) % (24 * 60)).some(matches)) found.push(at);
    furthest = wall;
  }
  return found;
}

const TRANSITIONS = [
  ["Europe/Berlin", "2026-03-28T12:00:00Z"],
  ["Europe/Berlin", "2026-10-24T12:00:00Z"],
  ["America/New_York", "2026-03-07T12:00:00Z"],
  ["America/New_York", "2026-10-31T12:00:00Z"],
  ["America/Santiago", "2026-04-04T12:00:00Z"],
  ["America/Santiago", "2026-09-05T12:00:00Z"],
  ["Australia/Lord_Howe", "2026-04-04T00:00:00Z"],
  ["Australia/Lord_Howe", "2026-10-03T00:00:00Z"],
  ["Antarctica/Troll", "2026-03-28T12:00:00Z"],
  ["Antarctica/Troll", "2026-10-24T12:00:00Z"],
] as const;

describe.each(TRANSITIONS)("nextOccurrence() in %s from %s", (timezone, from) => {
  const start = Date.parse(from);
  const minutes = wallMinutes(timezone, start, 36 * 60);
  const end = start + 36 * HOUR;
  const found = (cron: string): number[] => {
    const schedule = { cron, timezone };
    const all: number[] = [];
    for (let at = nextOccurrence(schedule, start); at < end; at = nextOccurrence(schedule, at)) all.push(at);
    return all;
  };
  const some = (count: number): fc.Arbitrary<number[]> => fc.uniqueArray(fc.nat(count - 1), { minLength: 1, maxLength: 6 });

  it("agrees with the wall, walked minute by minute, for any minutes of any hours", () => {
    fc.assert(
      fc.property(some(60), some(24), (atMinutes, atHours) => {
        const expected = walked(minutes, (wall) => atMinutes.includes(wall % 60) && atHours.includes(Math.floor(wall / 60)));
        expect(found(`${atMinutes.join(",")} ${atHours.join(",")} * * *`)).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });

  it("agrees with the wall for any minutes of every hour, each showing counted", () => {
    fc.assert(
      fc.property(some(60), (atMinutes) => {
        const expected = minutes.slice(1).flatMap(({ at, wall }) => (atMinutes.includes(wall % 60) ? [at] : []));
        expect(found(`${atMinutes.join(",")} * * * *`)).toEqual(expected);
        expect(found(`${atMinutes.join(",")} 0-23 * * *`)).toEqual(expected);
      }),
      { numRuns: 20 },
    );
  });
});
