import type { Tier } from "./policy.ts";

/** Names the calendar period of an instant, so that two instants of one period have the same name. */
export type PeriodOf = (tier: Tier, millis: number) => string;

/** What a clock on the wall says. */
interface WallTime {
  readonly year: string;
  readonly month: string;
  readonly day: string;
  /** With its offset: clocks that go back have one hour twice. */
  readonly hour: string;
}

/** Calendar hours, days, ISO 8601 weeks, months and years of a time zone. */
export function periodsOf(timezone: string): PeriodOf {
  const wallTime = timezone === "UTC" ? utcTime : wallTimeIn(timezone);
  // Every component and every tier asks about the same backups.
  const known = new Map<number, WallTime>();
  return (tier, millis) => {
    const time = known.get(millis) ?? wallTime(millis);
    known.set(millis, time);
    const { year, month, day, hour } = time;
    if (tier === "weekly") return isoWeek(Number(year), Number(month), Number(day));
    const names = {
      hourly: `${year}-${month}-${day}T${hour}`,
      daily: `${year}-${month}-${day}`,
      monthly: `${year}-${month}`,
      yearly: year,
    };
    return names[tier];
  };
}

/** Without the tables of all time zones, which take longer to load than everything else here. */
function utcTime(millis: number): WallTime {
  const [, year = "", month = "", day = "", hour = ""] = /^(\d+)-(\d+)-(\d+)T(\d+)/.exec(new Date(millis).toISOString()) ?? [];
  return { year, month, day, hour: `${hour} GMT+0` };
}

function wallTimeIn(timezone: string): (millis: number) => WallTime {
  let format: Intl.DateTimeFormat | undefined;
  return (millis) => {
    format ??= new Intl.DateTimeFormat("en-u-ca-gregory-nu-latn", {
      timeZone: timezone,
      hourCycle: "h23",
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      timeZoneName: "shortOffset",
    });
    const parts = new Map(format.formatToParts(millis).map(({ type, value }) => [type, value]));
    const of = (type: Intl.DateTimeFormatPartTypes): string => parts.get(type) ?? "";
    return { year: of("year"), month: of("month"), day: of("day"), hour: `${of("hour")} ${of("timeZoneName")}` };
  };
}

const DAY = 24 * 60 * 60 * 1000;

/** ISO 8601: weeks begin on Monday, and belong to the year that their Thursday lies in. */
function isoWeek(year: number, month: number, day: number): string {
  const date = Date.UTC(year, month - 1, day);
  const weekday = (new Date(date).getUTCDay() + 6) % 7;
  const thursday = date + (3 - weekday) * DAY;
  const weekYear = new Date(thursday).getUTCFullYear();
  const week = 1 + Math.floor((thursday - Date.UTC(weekYear, 0, 1)) / (7 * DAY));
  return `${weekYear}-W${String(week).padStart(2, "0")}`;
}
