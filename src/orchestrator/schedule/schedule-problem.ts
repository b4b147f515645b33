import { ConfigError } from "../../kernel/index.ts";
import { cadenceOf } from "./cadence-of.ts";
import type { Schedule } from "./schedule.ts";

/** What makes a schedule unusable, so that it is refused when the configuration is read; null when nothing does. */
export function scheduleProblem(schedule: Schedule): ConfigError | null {
  try {
    cadenceOf(schedule, 0);
    return null;
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
}
