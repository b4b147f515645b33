import { ConfigError } from "../../kernel/index.ts";
import { nextOccurrence } from "./occurrences.ts";
import type { Schedule } from "./schedule.ts";

/** Milliseconds from one run to the next: of a cron expression, between the two occurrences that follow `from`. */
export function cadenceOf(schedule: Schedule, from: number): number {
  if ("every" in schedule) return everyOf(schedule);
  const next = nextOccurrence(schedule, from);
  return nextOccurrence(schedule, next) - next;
}

/** Throws ConfigError for what is no time at all: it would be due for ever. */
export function everyOf({ every }: { readonly every: number }): number {
  if (Number.isSafeInteger(every) && every > 0) return every;
  throw new ConfigError("CONFIG_INVALID", `Cannot run a task every "${every}" milliseconds`, { hint: 'Give it a duration, like "30m"' });
}
