import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { orchestratorProcess } from "../../test/support/orchestrator-process.ts";
import { counting, DAY, ends, holding, lightTask, MINUTE, taskOf, taskStage } from "../../test/support/task-stage.ts";

const NOBODY_WAITS = { wait: 0, token: null, onWaiting: () => {} };

describe("two daemons on one state folder", () => {
  it("never run one due task twice: as many starts as times that it was due", async () => {
    await using stage = taskStage();
    // Of every kind: heavy and light, quick and never due together.
    const tasks = [taskOf("summary", counting("summary")), lightTask("sweep", counting("sweep")), lightTask("mail", counting("mail"))];
    stage.seen(DAY, ...tasks);
    const setting = { stateDir: stage.stateDir, cwd: stage.join(), tasks };
    await using first = await orchestratorProcess(setting);
    await using second = await orchestratorProcess(setting);
    const rounds = 25;
    for (let round = 0; round < rounds; round += 1) {
      const started: string[] = [];
      // Either may be turned away once, by the lease in the instant that the other has it, or by the ledger while it is locked.
      while (tasks.some(({ name }) => stage.record(name).lastCompletedAt !== stage.now)) {
        started.push(...(await Promise.all([first.poll(stage.now), second.poll(stage.now)])).flat());
        await Promise.all([first.ends(), second.ends()]);
      }
      await Promise.all([first.poll(stage.now), second.poll(stage.now)]);
      expect(started.toSorted()).toEqual(["mail", "summary", "sweep"]);
      stage.now += 10 * MINUTE;
    }
    expect([stage.starts("sweep"), stage.starts("mail")]).toEqual([rounds, rounds]);
    expect(stage.starts("summary")).toBe(rounds);
    expect(stage.ledger.running()).toEqual([]);
    expect(new Set([...(await first.ends()), ...(await second.ends())].map(({ outcome }) => outcome))).toEqual(new Set(["completed"]));
  });

  it("one does not start what the other still runs, however long that is overdue", async () => {
    await using stage = taskStage();
    const tasks = [taskOf("summary", holding("summary")), lightTask("sweep", holding("sweep"))];
    stage.seen(DAY, ...tasks);
    await using other = await orchestratorProcess({ stateDir: stage.stateDir, cwd: stage.join(), tasks });
    expect((await other.poll(stage.now)).toSorted()).toEqual(["summary", "sweep"]);
    const orchestrator = stage.orchestrator(tasks);
    stage.now += 30 * DAY;
    expect(await orchestrator.poll()).toEqual([]);
    for (const task of tasks) expect(await orchestrator.runNow(task, NOBODY_WAITS)).toBe("already-running");
    for (const { name } of tasks) {
      await stage.made(`${name}.starts`);
      stage.letGo(name);
    }
    await other.ends();
    expect([stage.starts("summary"), stage.starts("sweep")]).toEqual([1, 1]);
  });

  it("the heavy task of one is deferred behind the heavy task of the other", async () => {
    await using stage = taskStage();
    const [summary, backup] = [taskOf("summary", holding("summary")), taskOf("backup", counting("backup"))];
    stage.seen(DAY, summary, backup);
    await using other = await orchestratorProcess({ stateDir: stage.stateDir, cwd: stage.join(), tasks: [summary] });
    await other.poll(stage.now);
    const orchestrator = stage.orchestrator([summary, backup]);
    expect(await orchestrator.poll()).toEqual([]);
    expect(stage.streak("backup")).toMatchObject({ holdingOwner: "summary", holdingPid: other.pid });
    await stage.made("summary.starts");
    stage.letGo("summary");
    await other.ends();
    expect(await ends(await orchestrator.poll())).toEqual(["completed"]);
  });
});

describe("Orchestrator.runNow()", () => {
  it("runs a task that is not due, through the same gates, and what ran counts as its last run", async () => {
    await using stage = taskStage();
    const backup = taskOf("backup", counting("backup"));
    const orchestrator = stage.orchestrator([backup]);
    const started = await orchestrator.runNow(backup, NOBODY_WAITS);
    if (started === "already-running" || "held" in started) throw new Error("It did not start");
    expect(await started.end).toMatchObject({ outcome: "completed" });
    expect(stage.record("backup").lastRunAt).toBe(stage.now);
    expect(stage.ledger.history("backup", 1)).toMatchObject([{ trigger: "manual" }]);
  });

  it("is told who holds the lease, waits when it is told to, stops waiting with its signal, and ends a streak when it starts", async () => {
    await using stage = taskStage();
    const backup = taskOf("backup", counting("backup"));
    stage.seen(DAY, backup);
    const orchestrator = stage.orchestrator([backup]);
    const holder = await stage.keeper.acquire({ owner: "somebody" });
    if (holder.outcome === "held") throw new Error("held");
    await orchestrator.poll();
    expect(stage.streak("backup")?.count).toBe(1);
    expect(await orchestrator.runNow(backup, NOBODY_WAITS)).toMatchObject({ held: { holder: { owner: "somebody" } } });
    const stop = new AbortController();
    await expect(
      orchestrator.runNow(backup, { wait: MINUTE, token: null, onWaiting: () => stop.abort(), signal: stop.signal }),
    ).rejects.toMatchObject({
      code: "INTERRUPTED",
    });
    const started = await orchestrator.runNow(backup, { wait: MINUTE, token: null, onWaiting: () => void holder.lease.release() });
    if (started === "already-running" || "held" in started) throw new Error("It did not start");
    expect((await started.end).outcome).toBe("completed");
    expect(stage.streak("backup")).toBeUndefined();
    expect(stage.starts("backup")).toBe(1);
  });

  it("under the token of a parent joins its lease; with one that has ended asks for its own, and says so", async () => {
    await using stage = taskStage({ blocking: true });
    const backup = taskOf("backup", counting("backup"));
    const orchestrator = stage.orchestrator([backup]);
    const parent = await stage.keeper.acquire({ owner: "parent" });
    if (parent.outcome === "held") throw new Error("held");
    const token = parent.lease.environment.HOLDFAST_LEASE;
    for (const said of [[], ["The lease of HOLDFAST_LEASE has ended: this asks for one of its own"]]) {
      const started = await orchestrator.runNow(backup, { ...NOBODY_WAITS, token });
      if (started === "already-running" || "held" in started) throw new Error("It did not start");
      expect((await started.end).outcome).toBe("completed");
      expect(stage.said("warn")).toEqual(said);
      await parent.lease.release();
    }
  });

  it("that cannot write its claim down gives the lease back", async () => {
    await using stage = taskStage();
    const backup = taskOf("backup", counting("backup"));
    stage.seen(0, backup);
    const orchestrator = stage.orchestrator([backup]);
    const database = new DatabaseSync(`${stage.stateDir}/ledger.db`);
    database.exec("BEGIN IMMEDIATE");
    await expect(orchestrator.runNow(backup, NOBODY_WAITS)).rejects.toThrow("locked");
    database.close();
    expect(await stage.keeper.inspect()).toMatchObject({ state: "free" });
    expect(stage.starts("backup")).toBe(0);
  });
});
