import { describe, expect, it } from "vitest";
import { leaseProcess } from "../../test/support/lease-process.ts";
import { counting, ends, holding, HOUR, MINUTE, names, taskOf, taskStage } from "../../test/support/task-stage.ts";
import { DEFAULT_HEAVY_MAINTENANCE_TASK_NAMES } from "./heavy-set.ts";

/** As the specification has them. */
const LABELS: Readonly<Record<string, string>> = {
  summary: "session summarization",
  kbSync: "knowledge base sync",
  backup: "memory core backup",
  "primary-dev-sync": "primary checkout dev sync",
  dream: "REM sleep graph extraction",
  "golden-path": "golden path synthesis",
};
const REASONS: Readonly<Record<string, string>> = {
  summary: "periodic-sweep:600000",
  kbSync: "periodic-sweep:1800000",
  backup: "periodic-sweep:21600000",
  "primary-dev-sync": "periodic-sweep:600000",
  dream: "periodic-sweep:3600000",
  "golden-path": "periodic-sweep:3600000",
};

/** Each of the six, with another of them that it does not come after. */
const PAIRS = DEFAULT_HEAVY_MAINTENANCE_TASK_NAMES.map((name) => ({ name, other: name === "summary" ? "kbSync" : "summary" }));

describe("field notes: neomjs/neo#11513, PR #11514: every one of the heavy set is a blocker and a candidate", () => {
  it.each(PAIRS)(
    "$name is deferred by Orchestrator.poll() behind a task of an earlier poll, and starts once that has ended",
    async ({ name, other }) => {
      await using stage = taskStage();
      const [blocker, candidate] = [taskOf(other, holding(other)), taskOf(name, counting(name))];
      stage.seen(HOUR, blocker);
      stage.seen(0, candidate);
      const orchestrator = stage.orchestrator([candidate, blocker]);
      const first = await orchestrator.poll();
      expect(names(first)).toEqual([other]);
      stage.now += MINUTE;
      expect(await orchestrator.poll()).toEqual([]);
      expect(stage.said("info").filter((line) => line.startsWith("Deferring"))).toEqual([
        `Deferring ${LABELS[name]}; heavy maintenance task ${LABELS[other]} is active (${REASONS[name]}).`,
      ]);
      expect(stage.record(name)).toMatchObject({
        lastRunAt: null,
        lastOutcome: "skipped",
        lastReasonCode: "heavy-maintenance-backpressure",
      });
      expect(stage.streak(name)).toMatchObject({
        reasonCode: "heavy-maintenance-backpressure",
        reason: `heavy maintenance task ${LABELS[other]} is active`,
        blockingTask: other,
        holdingOwner: null,
        holdingPid: null,
        openedAt: stage.now,
        lastAt: stage.now,
        count: 1,
      });
      stage.letGo(other);
      expect(await ends(first)).toEqual(["completed"]);
      const second = await orchestrator.poll();
      expect(names(second)).toEqual([name]);
      expect(await ends(second)).toEqual(["completed"]);
      expect(stage.starts(name)).toBe(1);
    },
  );

  it.each(PAIRS)("$name is deferred in the same poll behind one that was started a moment before", async ({ name, other }) => {
    await using stage = taskStage({ blocking: true });
    const [blocker, candidate] = [taskOf(other, holding(other)), taskOf(name, counting(name))];
    // The more overdue one goes first.
    stage.seen(20 * HOUR, blocker);
    stage.seen(HOUR, candidate);
    const orchestrator = stage.orchestrator([candidate, blocker]);
    const started = await orchestrator.poll();
    expect(names(started)).toEqual([other]);
    expect(stage.lines.filter(({ task }) => task === name)).toEqual([
      {
        level: "info",
        message: `Deferring ${LABELS[name]}; heavy maintenance task ${LABELS[other]} is active (${REASONS[name]}).`,
        task: name,
      },
    ]);
    expect(stage.starts(name)).toBe(0);
    stage.letGo(other);
    await ends(started);
  });

  it.each(PAIRS)("$name is the blocker: others wait for it in the same poll and in the next", async ({ name, other }) => {
    await using stage = taskStage();
    const [blocker, candidate] = [taskOf(name, holding(name)), taskOf(other, counting(other))];
    stage.seen(400 * HOUR, blocker);
    stage.seen(HOUR, candidate);
    const orchestrator = stage.orchestrator([candidate, blocker]);
    const started = await orchestrator.poll();
    expect(names(started)).toEqual([name]);
    expect(await orchestrator.poll()).toEqual([]);
    expect(stage.streak(other)).toMatchObject({ blockingTask: name, count: 2 });
    expect(stage.said("info").filter((line) => line.startsWith("Deferring"))).toEqual([
      `Deferring ${LABELS[other]}; heavy maintenance task ${LABELS[name]} is active (${REASONS[other]}).`,
    ]);
    stage.letGo(name);
    await ends(started);
    const second = await orchestrator.poll();
    expect(names(second)).toEqual([other]);
    await ends(second);
  });

  it.each(PAIRS)("$name is deferred behind another process that holds the lease, and its line says who", async ({ name }) => {
    await using stage = taskStage();
    await using script = await leaseProcess({ stateDir: stage.stateDir });
    await script.hold({ owner: "kbSync" });
    const task = taskOf(name, counting(name));
    stage.seen(HOUR, task);
    const orchestrator = stage.orchestrator([task]);
    expect(await orchestrator.poll()).toEqual([]);
    expect(stage.lines).toEqual([
      {
        level: "info",
        message: `Deferring ${LABELS[name]}; heavy-maintenance lease held by kbSync, pid ${script.pid} (${REASONS[name]}).`,
        task: name,
      },
    ]);
    expect(stage.streak(name)).toMatchObject({
      reasonCode: "heavy-maintenance-lease-held",
      reason: `heavy-maintenance lease held by kbSync, pid ${script.pid}`,
      blockingTask: null,
      holdingOwner: "kbSync",
      holdingPid: script.pid,
    });
    await script.release();
    const started = await orchestrator.poll();
    expect(names(started)).toEqual([name]);
    expect(await ends(started)).toEqual(["completed"]);
  });
});

describe("the two lines of a deferral", () => {
  it("are to the letter those of the specification", async () => {
    await using stage = taskStage();
    const [summary, backup] = [taskOf("summary", holding("summary")), taskOf("backup", counting("backup"))];
    stage.seen(20 * HOUR, summary);
    stage.seen(HOUR, backup);
    const orchestrator = stage.orchestrator([summary, backup]);
    const started = await orchestrator.poll();
    expect(stage.said("info")).toContain(
      "Deferring memory core backup; heavy maintenance task session summarization is active (periodic-sweep:21600000).",
    );
    stage.letGo("summary");
    await ends(started);
    await using script = await leaseProcess({ stateDir: stage.stateDir });
    await script.hold({ owner: "kbSync" });
    await orchestrator.poll();
    expect(stage.said("info").map((line) => line.replace(String(script.pid), "4711"))).toContain(
      "Deferring memory core backup; heavy-maintenance lease held by kbSync, pid 4711 (periodic-sweep:21600000).",
    );
  });
});
