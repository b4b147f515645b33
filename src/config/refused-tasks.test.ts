import { describe, expect, it } from "vitest";
import { LEAST, testPlace } from "./test-place.ts";

const task = (text: string, name = "a"): string => `${LEAST}tasks:\n  ${name}: ${text}\n`;
const service = (text: string): string => task(`{ command: [x], keep_running: true, ${text} }`);
const orchestrator = (text: string): string => `${LEAST}orchestrator:\n  ${text}\n`;

/** What it is, the text, line, column, part of the message, part of the hint. */
type Refused = [what: string, text: string, line: number, column: number, message: string, hint?: string];

const REFUSED: readonly Refused[] = [
  ["tasks left empty", `${LEAST}tasks:\n`, 5, 7, "`tasks` must be a map of keys, not empty"],
  ["a list of tasks", `${LEAST}tasks: [a]\n`, 5, 8, "`tasks` must be a map of keys, not a list"],
  ["a task that is text", task("sync"), 6, 6, "`tasks.a` must be a map of keys, not text"],
  ["a task's name with an underscore", task("{ command: [x], every: 1h }", "a_b"), 6, 3, '"a_b" is not a task\'s name', "letters, digits"],
  [
    "a default name in other letters",
    task("{ command: [x], every: 1h }", "kbsync"),
    6,
    3,
    'the default task "kbSync" differ in case only',
    "Did you mean `kbSync`?",
  ],
  [
    "names that differ in case",
    `${task("{ command: [x], every: 1h }")}  A: { command: [x], every: 1h }\n`,
    7,
    3,
    '"A" and "a" differ in case only',
    "Variables of the environment",
  ],
  ["a mistyped key", task("{ command: [x], every: 1h, timout: 5s }"), 6, 33, "Unknown key `timout`", "Did you mean `timeout`?"],
  ["a mistyped command, told once", task("{ comand: [x], every: 1h }"), 6, 8, "Unknown key `comand`", "Did you mean `command`?"],
  [
    "a mistyped command of the backup, told once",
    task("{ comand: [x], every: 1h }", "backup"),
    6,
    13,
    "Unknown key `comand`",
    "Did you mean `command`?",
  ],
  ["a mistyped cadence, told once", task("{ command: [x], evry: 1h }"), 6, 22, "Unknown key `evry`", "Did you mean `every`?"],
  [
    "a mistyped cron with its time zone, told once",
    task('{ command: [x], corn: "0 * * * *", timezone: UTC }'),
    6,
    22,
    "Unknown key `corn`",
    "Did you mean `cron`?",
  ],
  [
    "a mistyped keep_running, told once",
    task("{ command: [x], keep_runing: true }"),
    6,
    22,
    "Unknown key `keep_runing`",
    "Did you mean `keep_running`?",
  ],
  ["a task without a command", task("{ every: 1h }"), 6, 3, 'Task "a" has no `command`'],
  ["a default name without a command", task("{ every: 1h }", "dream"), 6, 3, 'Task "dream" has no `command`'],
  ["a task without a cadence", task("{ command: [x] }"), 6, 3, 'Task "a" has neither `every` nor `cron`', "`keep_running: true` makes it"],
  ["every and cron", task('{ command: [x], every: 1h, cron: "0 * * * *" }'), 6, 33, "either `every` or `cron`, not both"],
  ["a command as text", task("{ command: sync x, every: 1h }"), 6, 17, "must be a list, not text", "A list is written"],
  ["an empty command", task("{ command: [], every: 1h }"), 6, 17, "must not be empty: a program"],
  ["an empty label", task('{ label: " ", command: [x], every: 1h }'), 6, 15, "`tasks.a.label` must not be empty"],
  ["a label of two lines", task('{ label: "a\\nb", command: [x], every: 1h }'), 6, 15, "must be one line of at most 200"],
  ["a cadence without unit", task("{ command: [x], every: 30 }"), 6, 29, "must be text, not a number", "30s, 30m or 30h"],
  ["no time as a cadence", task("{ command: [x], every: 0s }"), 6, 29, "must be longer than nothing"],
  ["a cadence without end", task("{ command: [x], every: 4000d }"), 6, 29, "must be at most 3650d"],
  ["a timeout longer than a timer can", task("{ command: [x], every: 1h, timeout: 25d }"), 6, 42, "must be at most 24d"],
  [
    "a stall that the timeout comes before",
    task("{ command: [x], every: 1h, stall: 1h }"),
    6,
    40,
    "`stall` has no effect unless it is shorter",
  ],
  ["a cron that is none", task("{ command: [x], cron: hourly }"), 6, 28, "`tasks.a.cron` must be a cron expression of five fields"],
  ["a cron with a wrong hour", task('{ command: [x], cron: "0 24 * * *" }'), 6, 28, "must have hours from 0 to 23 in its second field"],
  ["a cron that never comes", task('{ command: [x], cron: "0 0 30 2 *" }'), 6, 28, "must name a day that some month has"],
  ["a time zone that is none", task('{ command: [x], cron: "0 * * * *", timezone: Berlin }'), 6, 51, "must be an IANA time zone"],
  ["a time zone without cron", task("{ command: [x], every: 1h, timezone: UTC }"), 6, 33, "`timezone` has an effect with `cron` only"],
  [
    "yield in another way",
    task("{ command: [x], every: 1h, heavy: true, yield: signl }"),
    6,
    53,
    "must be stdin or signal",
    "Did you mean `signal`?",
  ],
  ["yield of a light task", task("{ command: [x], every: 1h, yield: stdin }"), 6, 33, "`yield` has an effect on a heavy task only"],
  [
    "yield of a default task made light",
    task("{ command: [x], heavy: false, yield: stdin }", "dream"),
    6,
    40,
    "`yield` has an effect on a heavy task only",
  ],
  ["heavy as text", task("{ command: [x], every: 1h, heavy: yes }"), 6, 40, "must be true or false, not text"],
  ["ready of what is no service", task("{ command: [x], every: 1h, ready: { command: [y] } }"), 6, 33, "with `keep_running` only"],
  ["keep_running as text, told once", task("{ command: [x], keep_running: yes }"), 6, 36, "must be true or false, not text"],
  ["builtin of another name", task("{ builtin: backup }"), 6, 8, "`builtin` is for the task `backup` only"],
  ["another builtin", task("{ builtin: prune }", "backup"), 6, 22, "`tasks.backup.builtin` must be backup"],
  ["a builtin with a command", task("{ builtin: backup, command: [x] }", "backup"), 6, 13, "either `command` or `builtin`, not both"],
  ["a cadence of the builtin", task("{ every: 1h }", "backup"), 6, 13, "its schedule is `backup.schedule_hours` or `backup.schedule`"],
  ["a cron of the builtin", task('{ builtin: backup, cron: "0 * * * *" }', "backup"), 6, 30, "`cron` has no effect on the builtin backup"],
  ["after of the builtin", task("{ after: [dream] }", "backup"), 6, 13, "`after` has no effect on the builtin backup"],
  ["a time zone of the builtin", task("{ timezone: UTC }", "backup"), 6, 13, "its time zone is `backup.timezone`"],
  [
    "a backup that is a service",
    task("{ command: [x], keep_running: true }", "backup"),
    6,
    27,
    "`backup` cannot be a service",
    "another name",
  ],
  ["a cadence of a service", service("every: 1h"), 6, 42, "`every` has no effect on a service"],
  ["a cron of a service", service('cron: "0 * * * *"'), 6, 42, "`cron` has no effect on a service"],
  ["after of a service", service("after: [dream]"), 6, 42, "`after` has no effect on a service"],
  ["a heavy service", service("heavy: true"), 6, 42, "`heavy` has no effect on a service"],
  ["a timeout of a service", service("timeout: 1h"), 6, 42, "`timeout` has no effect on a service"],
  ["a stall of a service", service("stall: 1m"), 6, 42, "`stall` has no effect on a service"],
  ["yield of a service", service("yield: stdin"), 6, 42, "`yield` has no effect on a service"],
  ["a builtin service", service("builtin: backup"), 6, 42, "`builtin` is for the task `backup` only"],
  ["a service without a command", task("{ keep_running: true }"), 6, 3, 'Task "a" has no `command`'],
  ["ready of two kinds", service("ready: { url: 'http://h/', command: [y] }"), 6, 42, "either `url` or `command`, not both"],
  ["ready of no kind", service("ready: {}"), 6, 42, "neither `url` nor `command`"],
  ["an expected answer of a command", service("ready: { command: [y], status: 200 }"), 6, 65, "`status` has an effect with `url` only"],
  ["an address of another kind", service("ready: { url: 'ftp://h/' }"), 6, 56, "must be an http or https address"],
  ["after as text", task("{ command: [x], every: 1h, after: dream }"), 6, 40, "`tasks.a.after` must be a list, not text"],
  ["after nobody", task("{ command: [x], every: 1h, after: [draem] }"), 6, 41, 'No task is called "draem"', "Did you mean `dream`?"],
  [
    "after nobody near",
    task("{ command: [x], every: 1h, after: [zzzzzzz] }"),
    6,
    41,
    'No task is called "zzzzzzz"',
    "Known are: a, summary",
  ],
  ["after one twice", task("{ command: [x], every: 1h, after: [dream, dream] }"), 6, 48, '"dream" is here twice'],
  ["after itself", task("{ command: [x], every: 1h, after: [a] }"), 6, 41, '"a" cannot come after itself'],
  [
    "after a service",
    `${task("{ command: [x], every: 1h, after: [b] }")}  b: { command: [x], keep_running: true }\n`,
    6,
    41,
    '"b" is a service, which nothing comes after',
  ],
  [
    "tasks that wait for each other",
    `${task("{ command: [x], every: 1h, after: [b] }")}  b: { command: [x], every: 1h, after: [dream, a] }\n`,
    7,
    48,
    'These tasks wait for each other: "a" after "b" after "a"',
  ],
  ["a poll too often", orchestrator("poll_interval: 99ms"), 6, 18, "`orchestrator.poll_interval` must be from 100ms to 1h"],
  ["a poll too rarely", orchestrator("poll_interval: 2h"), 6, 18, "must be from 100ms to 1h"],
  ["a poll without unit", orchestrator("poll_interval: 3"), 6, 18, "must be text, not a number", "3s, 3m or 3h"],
  ["no time at all", orchestrator("shutdown_timeout: 0s"), 6, 21, "must be longer than nothing"],
  ["a deferral that is none", orchestrator("max_deferral: never"), 6, 17, "must be a duration with its unit"],
  ["a mistyped key of orchestrator", orchestrator("pol_interval: 3s"), 6, 3, "Unknown key `pol_interval`", "Did you mean `poll_interval`?"],
  [
    "a backup schedule of both kinds",
    `${LEAST}  schedule_hours: 6\n  schedule: "0 3 * * *"\n`,
    6,
    3,
    "either `schedule_hours` or `schedule`",
  ],
  ["a backup schedule that is none", `${LEAST}  schedule: daily\n`, 5, 13, "`backup.schedule` must be a cron expression"],
];

describe("loadConfig() refuses", () => {
  it.each<Refused>([...REFUSED])("%s", (_, text, line, column, message, hint) => {
    using place = testPlace();
    const problems = place.problems(text);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({ file: place.file, line, column, message: expect.stringContaining(message) });
    expect(problems[0]?.message).not.toMatch(/\.$|n't\b|undefined|\bNaN\b/);
    if (hint !== undefined) expect(problems[0]?.hint).toContain(hint);
  });

  it("every task of a circle that hangs on another, once for each circle", () => {
    using place = testPlace();
    const tasks = ["a: b", "b: c", "c: b", "d: d", "e: a"].map((pair) => {
      const [name, after] = pair.split(": ");
      return `  ${name}: { command: [x], every: 1h, after: [${after}] }\n`;
    });
    expect(place.problems(`${LEAST}tasks:\n${tasks.join("")}`).map(({ message, line }) => [line, message])).toEqual([
      [8, 'These tasks wait for each other: "b" after "c" after "b"'],
      [9, '"d" cannot come after itself'],
    ]);
  });
});
