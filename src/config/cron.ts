import { Cron, CronPattern } from "croner";

const MODE = "5-or-6-parts";
const NTH = ["first", "second", "third", "fourth", "fifth", "sixth"];
/** What the fields hold when there are six; five have no seconds. */
const FIELDS = [
  "seconds from 0 to 59",
  "minutes from 0 to 59",
  "hours from 0 to 23",
  "days of the month from 1 to 31",
  "months from 1 to 12",
  "days of the week from 0 to 7",
];
/** The gap that status calls a backup overdue by is looked for in so many occurrences to come. */
const OCCURRENCES = 100;
const HOUR = 3_600_000;

/** What keeps a text from being a cron expression that comes true some time, or undefined. */
export function cronComplaint(text: string): string | undefined {
  const fields = text.trim().split(/\s+/);
  if (fields.length !== 5 && fields.length !== 6)
    return "must be a cron expression of five fields, or six with seconds first, such as `30 3 * * *`";
  for (const [index, field] of fields.entries()) {
    // Each by itself: the library's own message counts from nought, and quotes what may be anything.
    if (patternOf(fields.map((_, other) => (other === index ? field : "*")).join(" ")) !== undefined) continue;
    return `must have ${FIELDS[index + FIELDS.length - fields.length]} in its ${NTH[index]} field, alone or as in \`1,4\`, \`1-9/2\` or \`*/5\``;
  }
  return new Cron(text, { mode: MODE, timezone: "UTC" }).nextRun() === null ? "must name a day that some month has" : undefined;
}

/** Hours, rounded up, of the longest gap between the next hundred occurrences after `now` (milliseconds since 1970). */
export function longestGapHours(cron: string, timezone: string, now: number): number {
  const times = new Cron(cron, { mode: MODE, timezone }).nextRuns(OCCURRENCES, new Date(now)).map((date) => date.getTime());
  return Math.ceil(times.slice(1).reduce((longest, time, index) => Math.max(longest, time - (times[index] ?? time)), 1) / HOUR);
}

function patternOf(text: string): CronPattern | undefined {
  try {
    return new CronPattern(text, "UTC", { mode: MODE });
  } catch (error) {
    // It throws these two for what it cannot read, and nothing else is a person's mistake.
    if (error instanceof TypeError || error instanceof RangeError) return undefined;
    throw error;
  }
}
