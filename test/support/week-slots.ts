const HOUR = 3_600_000;
export const WEEK_ZONE = "Europe/Berlin";

/**
 * When a backup is due "every so many hours on the hour" of Berlin: told by its wall clock alone, and nothing of the
 * program's. An hour that the wall never shows is due when it would have been, one that it shows twice the first time.
 */
export function weekSlots(every: number, from: number, until: number): number[] {
  const format = new Intl.DateTimeFormat("en-u-nu-latn", { timeZone: WEEK_ZONE, hourCycle: "h23", hour: "numeric" });
  const wall = (instant: number): number => Number(format.format(instant));
  const slots: number[] = [];
  for (let instant = Math.ceil(from / HOUR) * HOUR; instant < until; instant += HOUR) {
    const [before, hour] = [wall(instant - HOUR), wall(instant)];
    if (hour === before) continue;
    const skipped = hour === (before + 2) % 24;
    if (hour % every === 0 || (skipped && (before + 1) % every === 0)) slots.push(instant);
  }
  return slots;
}
