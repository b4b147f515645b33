/** When a task is due: so many milliseconds after its last run, or at the times of a cron expression in a time zone. */
export type Schedule = { readonly every: number } | { readonly cron: string; readonly timezone: string };

/** Canonical, so that two schedules are the same one exactly when their texts are: "cron 0 3 * * * Europe/Berlin". */
export function scheduleText(schedule: Schedule): string {
  return "every" in schedule ? `every ${schedule.every}` : `cron ${cronText(schedule.cron)} ${schedule.timezone}`;
}

/** What scheduleText() wrote, read back; null when it is nothing of that form. Whether croner takes it is not looked at. */
export function parseScheduleText(text: string): Schedule | null {
  const every = /^every (\d+)$/.exec(text)?.[1];
  if (every !== undefined) return { every: Number(every) };
  const [, cron, timezone] = /^cron (.+) (\S+)$/.exec(text) ?? [];
  return cron === undefined || timezone === undefined ? null : { cron, timezone };
}

/** Why a due task runs, as it stands in brackets in log lines. It holds no counter and no time of now: one that did flooded a log. */
export function reasonOf(schedule: Schedule): string {
  return "every" in schedule ? `periodic-sweep:${schedule.every}` : `cron-sweep:${cronText(schedule.cron)} ${schedule.timezone}`;
}

function cronText(cron: string): string {
  return cron.trim().replaceAll(/\s+/g, " ");
}
