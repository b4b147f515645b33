import { describe, expect, it } from "vitest";
import {
  counting,
  DAY,
  ends,
  holding,
  HOUR,
  lightTask,
  MINUTE,
  names,
  NOON,
  SECOND,
  taskOf,
  taskStage,
} from "../../test/support/task-stage.ts";
import { dueTask, inOrder, withoutWaiting, type DueTask } from "./due-tasks.ts";
import type { Task } from "./task.ts";

const RECORD = {
  name: "",
  firstSeenAt: 0,
  lastRunAt: null,
  lastEndedAt: null,
  lastCompletedAt: null,
  lastOutcome: null,
  lastReasonCode: null,
  lastReason: null,
  failingSince: null,
  failures: 0,
  scheduleText: null,
  anchorAt: null,
  notBefore: null,
  askedAt: null,
};

function due(task: Task, since: number, cadence: number): DueTask {
  const one = dueTask({ task, due: NOON - since, cadence }, RECORD, NOON);
  if (one === null) throw new Error(`${task.name} is not due`);
  return one;
}

const [backup, summary, dream] = [taskOf("backup", "true"), taskOf("summary", "true"), taskOf("dream", "true")];

describe("inOrder()", () => {
  it("goes by how late a task is in cadences, and not by the clock", () => {
    const order = inOrder([due(backup, HOUR, 6 * HOUR), due(summary, 5 * MINUTE, 10 * MINUTE), due(dream, 54 * MINUTE, HOUR)], null);
    expect(order.map(({ task, overdue }) => [task.name, overdue])).toEqual([
      ["dream", 0.9],
      ["summary", 0.5],
      ["backup", 1 / 6],
    ]);
  });

  it("puts the backup first among equals, and one that the lease is kept for before all", () => {
    const equal = [due(dream, HOUR, HOUR), due(summary, 10 * MINUTE, 10 * MINUTE), due(backup, 6 * HOUR, 6 * HOUR)];
    expect(inOrder(equal, null).map(({ task }) => task.name)).toEqual(["backup", "dream", "summary"]);
    expect(inOrder([...equal].toReversed(), "summary").map(({ task }) => task.name)).toEqual(["summary", "backup", "dream"]);
  });
});

describe("withoutWaiting()", () => {
  it("keeps back what comes after a task that is due or runs, and nothing else", () => {
    const golden = taskOf("golden-path", "true");
    const all = [due(golden, HOUR, HOUR), due(dream, 1, HOUR)];
    const never = new Map<string, { lastEndedAt: number | null }>();
    expect(withoutWaiting(all, new Set(), never).map(({ task }) => task.name)).toEqual(["dream"]);
    expect(withoutWaiting([due(golden, HOUR, HOUR)], new Set(["dream"]), never)).toEqual([]);
    expect(withoutWaiting([due(golden, HOUR, HOUR)], new Set(["summary"]), never)).toHaveLength(1);
  });

  it("waits once: a task that is due again at once, or always runs, keeps nobody from ever running", () => {
    const golden = due(taskOf("golden-path", "true"), HOUR, HOUR);
    const all = [golden, due(dream, 1, HOUR)];
    const endedAt = (lastEndedAt: number): Map<string, { lastEndedAt: number | null }> => new Map([["dream", { lastEndedAt }]]);
    expect(withoutWaiting(all, new Set(), endedAt(golden.due - 1)).map(({ task }) => task.name)).toEqual(["dream"]);
    expect(withoutWaiting(all, new Set(), endedAt(golden.due + 1))).toHaveLength(2);
    expect(withoutWaiting([golden], new Set(["dream"]), endedAt(golden.due + 1))).toEqual([golden]);
  });
});

describe("Orchestrator.poll() and order", () => {
  it("golden path synthesis waits while REM sleep graph extraction is due or runs, and is not deferred by that", async () => {
    await using stage = taskStage();
    const [first, second] = [taskOf("dream", holding("dream")), taskOf("golden-path", counting("golden-path"))];
    stage.seen(DAY, second);
    stage.seen(HOUR, first);
    const orchestrator = stage.orchestrator([second, first]);
    const started = await orchestrator.poll();
    expect(names(started)).toEqual(["dream"]);
    await orchestrator.poll();
    expect(stage.ledger.streaks()).toEqual([]);
    stage.letGo("dream");
    await ends(started);
    const next = await orchestrator.poll();
    expect(names(next)).toEqual(["golden-path"]);
    await ends(next);
  });

  it("a task that comes after one that fails runs while that one waits for its next attempt", async () => {
    await using stage = taskStage();
    const [first, second] = [taskOf("dream", "exit 1"), taskOf("golden-path", counting("golden-path"))];
    stage.seen(DAY, first, second);
    const orchestrator = stage.orchestrator([first, second]);
    expect(await ends(await orchestrator.poll())).toEqual(["failed"]);
    expect(names(await orchestrator.poll())).toEqual(["golden-path"]);
  });

  it("light tasks start beside each other and beside a heavy one, in the same poll", async () => {
    await using stage = taskStage();
    const tasks = [taskOf("summary", holding("summary")), lightTask("sweep", holding("sweep")), lightTask("mail", counting("mail"))];
    stage.seen(DAY, ...tasks);
    const orchestrator = stage.orchestrator(tasks);
    const started = await orchestrator.poll();
    expect(names(started).toSorted()).toEqual(["mail", "summary", "sweep"]);
    expect(orchestrator.running.toSorted()).toEqual(["mail", "summary", "sweep"]);
    stage.now += 3 * SECOND;
    for (const name of ["summary", "sweep"]) {
      await stage.made(`${name}.starts`);
      stage.letGo(name);
    }
    expect(await ends(started)).toEqual(["completed", "completed", "completed"]);
    expect(stage.ledger.streaks()).toEqual([]);
    expect(orchestrator.running).toEqual([]);
  });

  it("a task without a default name is deferred like the six when it is declared heavy, and one of the six is not when it is light", async () => {
    await using stage = taskStage();
    const [summary10, reindex, light] = [
      taskOf("summary", holding("summary")),
      taskOf("reindex", counting("reindex"), { schedule: { every: HOUR }, heavy: true }),
      taskOf("kbSync", counting("kbSync"), { heavy: false }),
    ];
    stage.seen(DAY, summary10, reindex, light);
    const orchestrator = stage.orchestrator([summary10, reindex, light]);
    const started = await orchestrator.poll();
    expect(names(started)).toEqual(["summary", "kbSync"]);
    expect(stage.said("info")).toContain(
      "Deferring reindex; heavy maintenance task session summarization is active (periodic-sweep:3600000).",
    );
    stage.letGo("summary");
    await ends(started);
  });
});
