import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DEFAULT_TASK_NAMES } from "./config.ts";
import { LEAST, testPlace } from "./test-place.ts";

const tasks = (text: string, backup = ""): string => `${LEAST}${backup}tasks:\n  ${text}\n`;
const HOUR = 3_600_000;

describe("loadConfig() of `tasks`", () => {
  it("has none and the defaults of `orchestrator` unless they are declared", () => {
    using place = testPlace();
    expect(place.load(LEAST)).toMatchObject({
      tasks: [],
      orchestrator: { pollInterval: 3000, maxDeferral: null, maxHold: 1_800_000, shutdownTimeout: 8000 },
    });
    expect(place.load(`${LEAST}tasks: {}\norchestrator: {}\n`)).toMatchObject({ tasks: [], orchestrator: { pollInterval: 3000 } });
  });

  it("reads the block of the specification", () => {
    using place = testPlace();
    const config = place.load(`${LEAST}tasks:
  summary:          { label: session summarization,   command: [node, summary.js], every: 10m }
  kbSync:           { label: knowledge base sync,     command: [./sync], every: 30m }
  backup:           { label: memory core backup,      builtin: backup }
  primary-dev-sync: { label: primary checkout dev sync, command: [~/bin/sync], every: 10m }
  dream:            { label: REM sleep graph extraction, command: [dream], every: 1h }
  golden-path:      { label: golden path synthesis,   command: [golden], every: 1h, after: [dream] }
  chroma:           { label: chroma daemon,           command: [chroma, run], keep_running: true, ready: { url: "http://127.0.0.1:8000/" } }
`);
    expect(config.tasks.map(({ name }) => name)).toEqual([...DEFAULT_TASK_NAMES, "chroma"]);
    const [summary, sync, backup, , , golden, chroma] = config.tasks;
    expect(summary).toEqual({
      name: "summary",
      label: "session summarization",
      command: ["node", "summary.js"],
      builtin: null,
      schedule: { every: 600_000 },
      heavy: undefined,
      timeout: HOUR,
      stall: null,
      yield: null,
      after: undefined,
      keepRunning: false,
      ready: null,
      position: { file: place.file, line: 6, column: 3 },
    });
    expect(sync?.command).toEqual([place.join("sync")]);
    expect(backup).toMatchObject({ command: null, builtin: "backup", schedule: null });
    expect(golden?.after).toEqual(["dream"]);
    expect(chroma).toMatchObject({
      schedule: null,
      heavy: false,
      keepRunning: true,
      ready: { url: "http://127.0.0.1:8000/", status: 200, expect: {}, timeout: 60_000 },
    });
  });

  it("reads every other key, and leaves a default name its cadence", () => {
    using place = testPlace();
    const config = place.load(
      tasks(`dream: { command: [dream], heavy: false }
  backup: { command: [./backup] }
  nightly: { command: [a], cron: "30 3 * * *", heavy: true, timeout: 2h, stall: 10m, yield: signal, after: [backup, summary] }
  other: { command: [a], cron: "0 30 3 * * *", timezone: America/New_York, heavy: true, yield: stdin, keep_running: false }
  rare: { command: [a], every: 365d }`),
    );
    expect(config.tasks).toMatchObject([
      { name: "dream", schedule: undefined, label: undefined, heavy: false },
      { name: "backup", builtin: null, command: [place.join("backup")], schedule: undefined },
      {
        schedule: { cron: "30 3 * * *", timezone: "UTC" },
        heavy: true,
        timeout: 2 * HOUR,
        stall: 600_000,
        yield: "signal",
        after: ["backup", "summary"],
      },
      { schedule: { cron: "0 30 3 * * *", timezone: "America/New_York" }, heavy: true, yield: "stdin", keepRunning: false },
      { schedule: { every: 365 * 24 * HOUR } },
    ]);
  });

  it("takes the builtin backup for what the task `backup` is, and the time zone of `backup` for a cron without one", () => {
    using place = testPlace();
    const config = place.load(tasks('backup: { timeout: 2h }\n  a: { command: [a], cron: "0 * * * *" }', "  timezone: Europe/Berlin\n"));
    expect(config.tasks).toMatchObject([
      { builtin: "backup", command: null, schedule: null, timeout: 2 * HOUR },
      { schedule: { cron: "0 * * * *", timezone: "Europe/Berlin" } },
    ]);
  });

  it("gives the builtin backup 12 hours and everything else one, unless told", () => {
    using place = testPlace();
    const timeouts = (backup: string): readonly number[] => place.load(tasks(backup)).tasks.map(({ timeout }) => timeout);
    expect(timeouts("backup: { stall: 2h }\n  a: { command: [a], every: 2h }")).toEqual([12 * HOUR, HOUR]);
    expect(timeouts("backup: { timeout: 3s }")).toEqual([3000]);
    expect(timeouts("backup: { command: [a], every: 1h }")).toEqual([HOUR]);
  });

  it("is overridden by the environment, key by key and as a whole", () => {
    using place = testPlace();
    const text = tasks("golden-path: { command: [a], every: 1h }");
    expect(
      place.load(text, {
        HOLDFAST_TASKS__GOLDEN_PATH__EVERY: "5m",
        HOLDFAST_TASKS__GOLDEN_PATH__COMMAND: '["./b"]',
        HOLDFAST_TASKS__GOLDEN_PATH__HEAVY: "false",
        HOLDFAST_TASKS__GOLDEN_PATH__AFTER: '["dream"]',
        HOLDFAST_ORCHESTRATOR__POLL_INTERVAL: "100ms",
        HOLDFAST_ORCHESTRATOR__MAX_DEFERRAL: "90d",
      }),
    ).toMatchObject({
      tasks: [{ command: [place.join("b")], schedule: { every: 300_000 }, heavy: false, after: ["dream"] }],
      orchestrator: { pollInterval: 100, maxDeferral: 90 * 24 * HOUR },
    });
    const [whole] = place.load(text, { HOLDFAST_TASKS: '{"x": {"command": ["c"], "keep_running": true}}' }).tasks;
    expect(whole).toMatchObject({ name: "x", keepRunning: true, position: { file: "HOLDFAST_TASKS" } });
    expect(place.problems(text, { HOLDFAST_TASKS__GOLDEN_PATH__CRON: "0 * * * *" })).toMatchObject([
      { variable: "HOLDFAST_TASKS__GOLDEN_PATH__CRON", message: "A task has either `every` or `cron`, not both" },
    ]);
    expect(place.problems(text, { HOLDFAST_TASKS__GOLDEN_PTAH__EVERY: "5m" })).toMatchObject([
      { hint: "Did you mean `HOLDFAST_TASKS__GOLDEN_PATH__EVERY`?" },
    ]);
  });

  it("refuses `after` exactly when some task would wait for itself", () => {
    using place = testPlace();
    const graph = fc.array(fc.uniqueArray(fc.nat(5), { maxLength: 3 }), { minLength: 6, maxLength: 6 });
    const seen = new Set<boolean>();
    fc.assert(
      fc.property(graph, (edges) => {
        const declared = edges.map((after, index) => [
          `t${index}`,
          { command: ["a"], every: "1h", after: after.map((other) => `t${other}`) },
        ]);
        const text = JSON.stringify({
          components: { state: { path: "data" } },
          backup: { path: "/v" },
          tasks: Object.fromEntries(declared),
        });
        // What has nothing left to wait for is taken away until nothing can be.
        const left = new Set(edges.keys());
        while ([...left].some((index) => edges[index]?.every((other) => !left.has(other)) === true && left.delete(index)));
        seen.add(left.size === 0);
        if (left.size === 0) expect(() => place.load(text)).not.toThrow();
        else {
          for (const { message } of place.problems(text)) expect(message).toMatch(/^These tasks wait for each other|after itself$/);
        }
      }),
      { numRuns: 200 },
    );
    expect(seen.size).toBe(2);
  });
});

describe("loadConfig() of `backup.schedule`", () => {
  it("gives when a backup is due, and how many hours lie between two at most", () => {
    using place = testPlace();
    const schedule = (text: string, env?: NodeJS.ProcessEnv): unknown => {
      const { backup } = place.load(`${LEAST}${text}`, env);
      return [backup.enabled, backup.schedule, backup.scheduleHours];
    };
    expect(schedule("")).toEqual([true, { every: 6 * HOUR }, 6]);
    expect(schedule("  schedule_hours: 12\n  enabled: false\n")).toEqual([false, { every: 12 * HOUR }, 12]);
    expect(schedule('  schedule: "0 3,15 * * *"\n')).toEqual([true, { cron: "0 3,15 * * *", timezone: "UTC" }, 12]);
    expect(schedule("  timezone: Asia/Tokyo\n", { HOLDFAST_BACKUP__SCHEDULE: "0 3 * * *" })).toEqual([
      true,
      { cron: "0 3 * * *", timezone: "Asia/Tokyo" },
      24,
    ]);
  });
});
