import { describe, expect, it } from "vitest";
import { leaseProcess } from "../../test/support/lease-process.ts";
import { orchestratorProcess } from "../../test/support/orchestrator-process.ts";
import {
  counting,
  DAY,
  ends,
  holding,
  HOUR,
  lightTask,
  MINUTE,
  names,
  SECOND,
  taskOf,
  taskStage,
  type TaskStage,
} from "../../test/support/task-stage.ts";
import type { Acquired } from "../lease/index.ts";
import { DEFAULT_HEAVY_MAINTENANCE_TASK_NAMES } from "./heavy-set.ts";

describe("field notes: neomjs/neo#16903: what identifies a deferral holds no counter and no time", () => {
  it("fifty polls of Orchestrator.poll() behind one blocker are one INFO line, and a recorded count of fifty", async () => {
    await using stage = taskStage();
    const [summary, backup] = [taskOf("summary", holding("summary")), taskOf("backup", counting("backup"))];
    stage.seen(20 * HOUR, summary);
    stage.seen(HOUR, backup);
    const orchestrator = stage.orchestrator([summary, backup]);
    const began = stage.now;
    const started = await orchestrator.poll();
    for (let poll = 1; poll < 50; poll += 1) {
      stage.now += 3 * SECOND;
      expect(await orchestrator.poll()).toEqual([]);
    }
    expect(stage.lines.filter(({ task }) => task === "backup")).toHaveLength(1);
    expect(stage.said("info").filter((line) => line.startsWith("Deferring"))).toHaveLength(1);
    expect(stage.ledger.streaks()).toHaveLength(1);
    expect(stage.streak("backup")).toMatchObject({ count: 50, openedAt: began, lastAt: stage.now });
    expect(stage.now - began).toBe(147 * SECOND);
    stage.letGo("summary");
    await ends(started);
  });

  it("fifty polls behind a lease of somebody else are one INFO line as well, whatever the holder says of its progress", async () => {
    await using stage = taskStage({ blocking: true });
    const { lease } = await holdHere(stage);
    const backup = taskOf("backup", counting("backup"));
    stage.seen(HOUR, backup);
    const orchestrator = stage.orchestrator([backup]);
    for (let poll = 0; poll < 50; poll += 1) {
      lease.progress({ doing: `row ${poll}`, progress: poll / 50 });
      stage.now += 3 * SECOND;
      await orchestrator.poll();
    }
    expect(stage.said("info")).toHaveLength(1);
    expect(stage.streak("backup")?.count).toBe(50);
    await lease.release();
  });

  it("a change of blocker is one line more, goes on counting, and the first blocker is not told of again", async () => {
    await using stage = taskStage();
    await using script = await leaseProcess({ stateDir: stage.stateDir });
    const [summary, backup] = [taskOf("summary", holding("summary")), taskOf("backup", counting("backup"))];
    stage.seen(20 * HOUR, summary);
    stage.seen(HOUR, backup);
    const orchestrator = stage.orchestrator([summary, backup]);
    const began = stage.now;
    const first = await orchestrator.poll();
    await orchestrator.poll();
    stage.letGo("summary");
    await ends(first);
    await script.hold({ owner: "reindex" });
    stage.now += 3 * SECOND;
    await orchestrator.poll();
    await orchestrator.poll();
    expect(stage.streak("backup")).toMatchObject({ count: 4, openedAt: began, holdingOwner: "reindex", blockingTask: null });
    await script.release();
    // Its cadence over, the summary is further behind than the backup once more.
    stage.now += 3 * HOUR;
    const second = await orchestrator.poll();
    expect(names(second)).toEqual(["summary"]);
    expect(stage.streak("backup")).toMatchObject({ count: 5, openedAt: began, blockingTask: "summary", holdingOwner: null });
    expect(stage.said("info").filter((line) => line.startsWith("Deferring memory core backup"))).toEqual([
      expect.stringContaining("session summarization is active"),
      expect.stringContaining(`held by reindex, pid ${script.pid}`),
    ]);
    stage.letGo("summary");
    await ends(second);
  });

  it("survives a restart: a new Orchestrator on a reopened ledger goes on counting, and says nothing again", async () => {
    await using stage = taskStage();
    const { lease } = await holdHere(stage);
    const backup = taskOf("backup", counting("backup"));
    stage.seen(HOUR, backup);
    const began = stage.now;
    const before = stage.orchestrator([backup]);
    for (let poll = 0; poll < 3; poll += 1) await before.poll();
    await before.close();
    stage.reopen();
    stage.now += HOUR;
    const after = stage.orchestrator([backup]);
    for (let poll = 0; poll < 2; poll += 1) await after.poll();
    expect(stage.streak("backup")).toMatchObject({ count: 5, openedAt: began, lastAt: stage.now });
    expect(stage.said("info")).toHaveLength(1);
    await lease.release();
    const started = await after.poll();
    expect(await ends(started)).toEqual(["completed"]);
    expect(stage.streak("backup")).toBeUndefined();
  });

  it("survives kill -9 of the daemon", async () => {
    await using stage = taskStage();
    const { lease } = await holdHere(stage);
    const backup = taskOf("backup", counting("backup"));
    stage.seen(HOUR, backup);
    const setting = { stateDir: stage.stateDir, cwd: stage.join(), tasks: [backup] };
    const began = stage.now;
    {
      await using daemon = await orchestratorProcess(setting);
      for (let poll = 0; poll < 4; poll += 1) await daemon.poll(began + poll * 3 * SECOND);
      await daemon.kill();
    }
    await using next = await orchestratorProcess(setting);
    await next.poll(began + MINUTE);
    expect(await next.lines()).toEqual([]);
    expect(stage.streak("backup")).toMatchObject({ count: 5, openedAt: began, lastAt: began + MINUTE });
    await lease.release();
    expect(await next.poll(began + 2 * MINUTE)).toEqual(["backup"]);
    expect(await next.ends()).toMatchObject([{ outcome: "completed" }]);
  });

  it("that was opened by a clock far ahead counts from now once the clock is right, so that it can starve", async () => {
    await using stage = taskStage();
    const { lease } = await holdHere(stage);
    const task = taskOf("summary", counting("summary"));
    stage.seen(HOUR, task);
    const right = stage.now;
    stage.now += 365 * DAY;
    const orchestrator = stage.orchestrator([task]);
    await orchestrator.poll();
    stage.now = right;
    await orchestrator.poll();
    expect(stage.streak("summary")).toMatchObject({ openedAt: right, count: 2, starving: false });
    stage.now = right + 2 * HOUR;
    await orchestrator.poll();
    expect(stage.streak("summary")).toMatchObject({ starving: true });
    await lease.release();
  });

  it("of a task that is configured no more is closed", async () => {
    await using stage = taskStage();
    const { lease } = await holdHere(stage);
    const backup = taskOf("backup", counting("backup"));
    stage.seen(HOUR, backup);
    await stage.orchestrator([backup]).poll();
    expect(stage.streak("backup")?.count).toBe(1);
    await stage.orchestrator([]).poll();
    expect(stage.streak("backup")).toBeUndefined();
    await lease.release();
  });
});

describe("what a deferral leaves as it was", () => {
  it("field notes: neomjs/neo#13755: the time of the last run, and of the last success, are those of the run before", async () => {
    await using stage = taskStage();
    const backup = taskOf("backup", counting("backup"));
    stage.seen(HOUR, backup);
    const orchestrator = stage.orchestrator([backup]);
    await ends(await orchestrator.poll());
    const before = stage.record("backup");
    expect(before).toMatchObject({ lastRunAt: stage.now, lastCompletedAt: stage.now, lastOutcome: "completed", failures: 0 });
    const { lease } = await holdHere(stage);
    stage.now += 7 * HOUR;
    for (let poll = 0; poll < 3; poll += 1) await orchestrator.poll();
    const { lastOutcome, lastReasonCode, lastReason, ...rest } = stage.record("backup");
    expect({ ...rest, lastOutcome: "completed", lastReasonCode: null, lastReason: null }).toEqual(before);
    expect({ lastOutcome, lastReasonCode, lastReason }).toEqual({
      lastOutcome: "skipped",
      lastReasonCode: "heavy-maintenance-lease-held",
      lastReason: `heavy-maintenance lease held by somebody, pid ${process.pid}`,
    });
    expect(stage.ledger.history("backup", 10)).toHaveLength(1);
    await lease.release();
  });

  it("Orchestrator.poll() keeps one state row for each configured task, the backup among them, before any has run", async () => {
    await using stage = taskStage();
    const tasks = [...DEFAULT_HEAVY_MAINTENANCE_TASK_NAMES.map((name) => taskOf(name, "true")), lightTask("sweep", "true")];
    const orchestrator = stage.orchestrator(tasks);
    await orchestrator.poll();
    await orchestrator.poll();
    expect(stage.ledger.tasks().map(({ name }) => name)).toEqual(tasks.map(({ name }) => name).toSorted());
    expect(stage.ledger.tasks().every(({ firstSeenAt, lastRunAt }) => firstSeenAt === stage.now && lastRunAt === null)).toBe(true);
  });
});

async function holdHere(stage: TaskStage): Promise<Acquired> {
  const answer = await stage.keeper.acquire({ owner: "somebody" });
  if (answer.outcome === "held") throw new Error("Somebody else holds the lease");
  return answer;
}
