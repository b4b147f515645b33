const DAY = 86_400_000;

/** The clock on the wall of a time zone; wall times are milliseconds too, written as if the wall stood in UTC. */
export interface ZoneClock {
  wallOf(instant: number): number;
  /**
   * The first instant at which the wall shows this time or, where clocks go forward past it, a later one. A time that
   * the wall shows twice has its first showing, one that it never shows the end of the gap.
   */
  firstAt(wall: number): number;
}

const clocks = new Map<string, ZoneClock>();

/** Throws RangeError for a time zone that is not known. */
export function zoneClock(timezone: string): ZoneClock {
  const known = clocks.get(timezone);
  if (known !== undefined) return known;
  const clock = makeClock(timezone);
  clocks.set(timezone, clock);
  return clock;
}

function makeClock(timezone: string): ZoneClock {
  const format = new Intl.DateTimeFormat("en-u-ca-gregory-nu-latn", {
    timeZone: timezone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  const offsetAt = (instant: number): number => {
    const whole = Math.floor(instant / 1000) * 1000;
    const parts = new Map(format.formatToParts(whole).map(({ type, value }) => [type, Number(value)]));
    const of = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type) ?? 0;
    return Date.UTC(of("year"), of("month") - 1, of("day"), of("hour"), of("minute"), of("second")) - whole;
  };
  return {
    wallOf: (instant) => instant + offsetAt(instant),
    firstAt(wall) {
      // Offsets stay below a day, so that a change of clocks that matters lies between these two.
      const before = offsetAt(wall - DAY);
      const after = offsetAt(wall + DAY);
      const early = wall - Math.max(before, after);
      if (offsetAt(early) === wall - early) return early;
      const late = wall - Math.min(before, after);
      return offsetAt(late) === wall - late ? late : firstChange(offsetAt, early, late);
    },
  };
}

/** The first instant after `from`, up to `until`, that has another offset than `from`. */
function firstChange(offsetAt: (instant: number) => number, from: number, until: number): number {
  const before = offsetAt(from);
  let [low, high] = [from, until];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetAt(middle) === before) low = middle;
    else high = middle;
  }
  return high;
}
