import { describe, expect, it } from "vitest";
import {
  counting,
  DAY,
  ends,
  HOUR,
  lightTask,
  MINUTE,
  names,
  NOON,
  SECOND,
  taskOf,
  taskStage,
  type TaskStage,
} from "../../test/support/task-stage.ts";
import type { Orchestrator } from "./orchestrator.ts";

/** Polls every so often for so long, and waits for what starts. */
async function pass(stage: TaskStage, orchestrator: Orchestrator, millis: number, step: number): Promise<number> {
  let runs = 0;
  for (let passed = 0; passed < millis; passed += step) {
    stage.now += step;
    const started = await orchestrator.poll();
    await ends(started);
    runs += started.length;
  }
  return runs;
}

describe("Orchestrator.poll() and the clock", () => {
  it("a run missed while down is caught up once, however many were missed", async () => {
    await using stage = taskStage();
    const task = taskOf("summary", counting("summary"));
    stage.seen(0, task);
    await ends(await stage.orchestrator([task]).poll());
    stage.now += HOUR;
    await ends(await stage.orchestrator([task]).poll());
    const before = stage.starts("summary");
    stage.reopen();
    stage.now += 30 * DAY;
    const orchestrator = stage.orchestrator([task]);
    expect(await pass(stage, orchestrator, 9 * MINUTE, MINUTE)).toBe(1);
    expect(stage.starts("summary")).toBe(before + 1);
  });

  it("a restart more often than the cadence does not put it off (in the field it meant no backup, ever)", async () => {
    await using stage = taskStage();
    const task = taskOf("backup", counting("backup"));
    stage.seen(DAY, task);
    for (let restart = 0; restart < 26; restart += 1) {
      const orchestrator = stage.orchestrator([task]);
      await ends(await orchestrator.poll());
      await orchestrator.close();
      stage.reopen();
      stage.now += HOUR;
    }
    // At once, and then every sixth hour.
    expect(stage.starts("backup")).toBe(5);
  });

  it("a cron expression that was missed runs once, and then at its own times, also where the clocks went forward", async () => {
    await using stage = taskStage();
    const task = taskOf("backup", counting("backup"), { schedule: { cron: "30 2 * * *", timezone: "Europe/Berlin" } });
    stage.now = Date.parse("2026-03-26T12:00:00Z");
    stage.seen(0, task);
    const orchestrator = stage.orchestrator([task]);
    stage.now = Date.parse("2026-03-28T12:00:00Z");
    expect(await ends(await orchestrator.poll())).toEqual(["completed"]);
    // 2:30 does not exist on the 29th: it runs when the gap ends, at 3:00 summer time.
    stage.now = Date.parse("2026-03-29T00:59:00Z");
    expect(await orchestrator.poll()).toEqual([]);
    stage.now = Date.parse("2026-03-29T01:01:00Z");
    expect(names(await orchestrator.poll())).toEqual(["backup"]);
  });

  it("a clock that is set forward runs what became due once, and set back again runs it at most once more, and waits for nothing", async () => {
    await using stage = taskStage();
    const task = taskOf("summary", counting("summary"));
    stage.seen(DAY, task);
    const orchestrator = stage.orchestrator([task]);
    await ends(await orchestrator.poll());
    stage.now = NOON + 3650 * DAY;
    expect(await ends(await orchestrator.poll())).toEqual(["completed"]);
    stage.now = NOON + MINUTE;
    await ends(await orchestrator.poll());
    expect(stage.starts("summary")).toBe(3);
    // The times are right again, and it goes by its cadence.
    expect(stage.record("summary").lastRunAt).toBe(NOON + MINUTE);
    expect(await pass(stage, orchestrator, HOUR, 5 * MINUTE)).toBe(6);
  });

  it("a clock that is set back by an hour runs nothing early and waits for no hour", async () => {
    await using stage = taskStage();
    const task = taskOf("summary", counting("summary"));
    stage.seen(DAY, task);
    const orchestrator = stage.orchestrator([task]);
    await ends(await orchestrator.poll());
    stage.now -= HOUR;
    expect(await pass(stage, orchestrator, 30 * MINUTE, MINUTE)).toBe(3);
  });

  it("a changed interval starts nothing by itself, and holds from now on", async () => {
    await using stage = taskStage();
    const daily = taskOf("backup", counting("backup"), { schedule: { every: DAY } });
    stage.seen(2 * DAY, daily);
    await ends(await stage.orchestrator([daily]).poll());
    stage.now += 12 * HOUR;
    const hourly = taskOf("backup", counting("backup"), { schedule: { every: HOUR } });
    const orchestrator = stage.orchestrator([hourly]);
    expect(await orchestrator.poll()).toEqual([]);
    expect(await pass(stage, orchestrator, 58 * MINUTE, MINUTE)).toBe(0);
    expect(await pass(stage, orchestrator, 2 * MINUTE, MINUTE)).toBe(1);
  });
});

describe("field notes: neomjs/neo#16348: a failed backup does not wait for a whole day", () => {
  it("is tried again after half a minute, then at doubling pauses, in a window that begins at the first failure and never slides", async () => {
    await using stage = taskStage();
    const backup = taskOf("backup", `${counting("backup")}; exit 1`, { schedule: { every: DAY } });
    stage.seen(2 * DAY, backup);
    const at: number[] = [];
    let orchestrator = stage.orchestrator([backup]);
    const first = stage.now;
    while (stage.now < first + 40 * HOUR && at.length < 120) {
      const started = await orchestrator.poll();
      if (started.length > 0) at.push(stage.now);
      expect(await ends(started)).toEqual(started.map(() => "failed"));
      // What is remembered is in the ledger, and not in the process.
      if (at.length === 3) orchestrator = stage.orchestrator([backup]);
      stage.now += at.length < 8 ? 30 * SECOND : 15 * MINUTE;
    }
    const gaps = at.slice(1).map((time, index) => time - (at[index] ?? 0));
    expect(gaps.slice(0, 6)).toEqual([30, 60, 120, 240, 480, 900].map((seconds) => seconds * SECOND));
    expect(stage.record("backup").failingSince).toBe(first);
    // Past one cadence from the first failure it waits for half of one, and never for a whole one.
    const late = gaps.filter((_, index) => (at[index] ?? 0) > first + DAY);
    expect(Math.min(...late)).toBe(12 * HOUR);
    expect(Math.max(...gaps)).toBe(12 * HOUR);
  }, 120_000);

  it("a success ends the streak of failures, and the next failure begins another", async () => {
    await using stage = taskStage();
    const backup = taskOf("backup", "test -e good", { schedule: { every: DAY } });
    stage.seen(2 * DAY, backup);
    const orchestrator = stage.orchestrator([backup]);
    await ends(await orchestrator.poll());
    stage.now += 30 * SECOND;
    await ends(await orchestrator.poll());
    expect(stage.record("backup")).toMatchObject({ failures: 2, failingSince: NOON });
    const good = taskOf("backup", "true", { schedule: { every: DAY } });
    stage.now += MINUTE;
    expect(await ends(await stage.orchestrator([good]).poll())).toEqual(["completed"]);
    expect(stage.record("backup")).toMatchObject({ failures: 0, failingSince: null, lastReasonCode: null });
    stage.now += DAY;
    await ends(await stage.orchestrator([backup]).poll());
    expect(stage.record("backup")).toMatchObject({ failures: 1, failingSince: stage.now });
  });
});

describe("jitter", () => {
  it("is the same at every restart of one instance, and spreads instances", async () => {
    await using stage = taskStage();
    const task = lightTask("sweep", counting("sweep"));
    const firstRun = async (instance: string): Promise<number> => {
      await using own = taskStage();
      own.seen(0, task);
      for (let passed = 0; passed <= 31; passed += 1) {
        // A new one each time, as after a restart.
        const started = await own.orchestrator([task], { instance }).poll();
        if (started.length > 0) {
          await ends(started);
          return passed;
        }
        own.now += SECOND;
      }
      throw new Error("It never started");
    };
    const waits = [];
    for (const instance of ["a", "b", "c", "a"]) waits.push(await firstRun(instance));
    expect(waits[3]).toBe(waits[0]);
    expect(new Set(waits).size).toBeGreaterThan(1);
    expect(stage.lines).toEqual([]);
  });
});
