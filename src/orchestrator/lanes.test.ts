import { rmSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
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
  SECOND,
  taskOf,
  taskStage,
  type TaskStage,
} from "../../test/support/task-stage.ts";
import { isRunning } from "../kernel/index.ts";
import type { Schedule } from "./schedule/index.ts";

/** Keeps everybody else from writing to the ledger until it is disposed of. */
function lockLedger(stage: TaskStage): Disposable {
  const database = new DatabaseSync(`${stage.stateDir}/ledger.db`);
  database.exec("BEGIN IMMEDIATE");
  return { [Symbol.dispose]: () => database.close() };
}

describe("one lane's failure stops no other", () => {
  it("a schedule that is none: Orchestrator.poll() says so once, and runs the others", async () => {
    await using stage = taskStage();
    const broken = { ...taskOf("summary", "true"), schedule: { every: Number.NaN } };
    const worse = { ...taskOf("dream", "true"), schedule: undefined as unknown as Schedule };
    const [backup, sweep] = [taskOf("backup", counting("backup")), lightTask("sweep", counting("sweep"))];
    stage.seen(DAY, broken, worse, backup, sweep);
    const orchestrator = stage.orchestrator([broken, worse, backup, sweep]);
    const started = await orchestrator.poll();
    expect(names(started).toSorted()).toEqual(["backup", "sweep"]);
    expect(await ends(started)).toEqual(["completed", "completed"]);
    await orchestrator.poll();
    expect(stage.said("error")).toEqual([
      expect.stringMatching(/^Cannot tell when session summarization is due: .*"NaN" milliseconds/),
      expect.stringMatching(/^Cannot tell when REM sleep graph extraction is due: /),
    ]);
  });

  it("field notes: neomjs/neo#16348: a backup that cannot be scheduled is an error of its own, and everything else runs", async () => {
    await using stage = taskStage();
    const backup = { ...taskOf("backup", "true"), schedule: { cron: "0 3 * * *", timezone: "Europe/Atlantis" } };
    const [summary, sweep] = [taskOf("summary", counting("summary")), lightTask("sweep", counting("sweep"))];
    stage.seen(DAY, backup, summary, sweep);
    const started = await stage.orchestrator([backup, summary, sweep]).poll();
    expect(names(started).toSorted()).toEqual(["summary", "sweep"]);
    expect(await ends(started)).toEqual(["completed", "completed"]);
    expect(stage.said("error")).toEqual([expect.stringContaining("Cannot tell when memory core backup is due")]);
    // Its row is there all the same, and shows that it never ran.
    expect(stage.record("backup").lastRunAt).toBeNull();
  });

  it("a command that does not exist, and a folder to run in that does not, fail their own run and back off", async () => {
    await using stage = taskStage();
    const missing = taskOf("summary", "", { command: ["/nowhere/summarize"] });
    const sweep = lightTask("sweep", counting("sweep"));
    stage.seen(DAY, missing, sweep);
    const orchestrator = stage.orchestrator([missing, sweep]);
    const started = await orchestrator.poll();
    expect(names(started)).toEqual(["summary", "sweep"]);
    expect(await started[0]?.end).toMatchObject({
      outcome: "failed",
      reasonCode: "exit-code",
      exitCode: 127,
      reason: "ended with exit code 127",
    });
    expect(await started[1]?.end).toMatchObject({ outcome: "completed" });
    expect(await stage.keeper.inspect()).toMatchObject({ state: "free" });
    stage.now += 10 * SECOND;
    expect(await orchestrator.poll()).toEqual([]);
    stage.now += 20 * SECOND;
    expect(names(await orchestrator.poll())).toEqual(["summary"]);
    const nowhere = stage.orchestrator([lightTask("lost", "true")], { cwd: stage.join("gone") });
    stage.seen(DAY, { name: "lost" });
    const [lost] = await nowhere.poll();
    expect(await lost?.end).toMatchObject({ outcome: "failed", reasonCode: "not-started", exitCode: null });
  });

  it("a claim that fails because the ledger is locked starts nothing, gives the lease back, and succeeds once it is not", async () => {
    await using stage = taskStage();
    const [summary, sweep] = [taskOf("summary", counting("summary")), lightTask("sweep", counting("sweep"))];
    stage.seen(DAY, summary, sweep);
    const orchestrator = stage.orchestrator([summary, sweep]);
    stage.ledger.noteSchedule("summary", "every 600000", null);
    stage.ledger.noteSchedule("sweep", "every 600000", null);
    {
      using _ = lockLedger(stage);
      expect(await orchestrator.poll()).toEqual([]);
      expect(await orchestrator.poll()).toEqual([]);
    }
    expect(stage.said("error")).toEqual([
      expect.stringMatching(/^Cannot start session summarization: .*locked/),
      expect.stringMatching(/^Cannot start sweep: .*locked/),
    ]);
    expect(await stage.keeper.inspect()).toMatchObject({ state: "free" });
    const started = await orchestrator.poll();
    expect(names(started)).toEqual(["summary", "sweep"]);
    expect(await ends(started)).toEqual(["completed", "completed"]);
    expect([stage.starts("summary"), stage.starts("sweep")]).toEqual([1, 1]);
  });

  it("an end that meets a locked ledger is written down once that is free, and the run is not made again", async () => {
    await using stage = taskStage();
    const sweep = lightTask("sweep", holding("sweep"));
    stage.seen(DAY, sweep);
    const orchestrator = stage.orchestrator([sweep]);
    const started = await orchestrator.poll();
    await stage.made("sweep.starts");
    const lock = lockLedger(stage);
    stage.letGo("sweep");
    const child = stage.ledger.running()[0]?.child ?? null;
    await expect.poll(() => child !== null && isRunning(child), { timeout: 10_000, interval: 5 }).toBe(false);
    lock[Symbol.dispose]();
    expect(await ends(started)).toEqual(["completed"]);
    expect(stage.record("sweep")).toMatchObject({ lastOutcome: "completed", lastCompletedAt: stage.now });
    expect(stage.said("error")).toEqual([]);
  });

  it("an end that cannot be written down is written as soon as it can be, whoever polls by then", async () => {
    await using stage = taskStage();
    const sweep = lightTask("sweep", holding("sweep"));
    stage.seen(DAY, sweep);
    const orchestrator = stage.orchestrator([sweep]);
    const started = await orchestrator.poll();
    await stage.made("sweep.starts");
    {
      using _ = lockLedger(stage);
      stage.letGo("sweep");
      await expect
        .poll(() => stage.said("error"), { timeout: 30_000 })
        .toEqual([expect.stringMatching(/^Cannot write down what became of sweep: .*locked/)]);
      expect(stage.ledger.running()).toHaveLength(1);
      // Another configuration takes over: nobody polls this one any more.
      await orchestrator.retire();
    }
    expect(await ends(started)).toEqual(["completed"]);
    expect(stage.ledger.running()).toEqual([]);
    expect(stage.record("sweep")).toMatchObject({ lastOutcome: "completed", failures: 0 });
  });
});

describe("an error while acquiring the lease", () => {
  it("never runs the task: it is failed with its own code, backs off, and light tasks run", async () => {
    await using stage = taskStage();
    const free = await stage.keeper.acquire({ owner: "first" });
    if (free.outcome !== "held") await free.lease.release();
    rmSync(`${stage.stateDir}/lease/lease.db`);
    const [summary, backup, sweep] = [
      taskOf("summary", counting("summary")),
      taskOf("backup", counting("backup")),
      lightTask("sweep", counting("sweep")),
    ];
    stage.seen(DAY, summary, backup, sweep);
    const orchestrator = stage.orchestrator([summary, backup, sweep]);
    const started = await orchestrator.poll();
    expect(names(started)).toEqual(["sweep"]);
    expect(await ends(started)).toEqual(["completed"]);
    for (const name of ["summary", "backup"])
      expect(stage.record(name)).toMatchObject({
        lastOutcome: "failed",
        lastReasonCode: "heavy-maintenance-lease-acquire-error",
        lastReason: expect.stringContaining("lease.db"),
        failures: 1,
      });
    expect(stage.said("error")).toEqual([
      expect.stringMatching(/^Cannot acquire the heavy-maintenance lease for session summarization: /),
      expect.stringMatching(/^Cannot acquire the heavy-maintenance lease for memory core backup: /),
    ]);
    stage.now += 29 * SECOND;
    expect(await orchestrator.poll()).toEqual([]);
    expect(stage.record("backup").failures).toBe(1);
    stage.now += SECOND;
    await orchestrator.poll();
    expect(stage.record("backup").failures).toBe(2);
    expect([stage.starts("summary"), stage.starts("backup")]).toEqual([0, 0]);
    // Once the store has been made anew, the next attempt is a run like any other.
    expect(await stage.keeper.repair()).toBe("repaired");
    stage.now += MINUTE;
    const [again] = await orchestrator.poll();
    expect(await again?.end).toMatchObject({ outcome: "completed" });
  });

  it("ends no streak, and one that is starving does not stop light tasks", async () => {
    await using stage = taskStage();
    const holder = await stage.keeper.acquire({ owner: "somebody" });
    if (holder.outcome === "held") throw new Error("held");
    const [summary, sweep] = [taskOf("summary", counting("summary")), lightTask("sweep", counting("sweep"))];
    stage.seen(DAY, summary);
    const orchestrator = stage.orchestrator([summary, sweep]);
    const began = stage.now;
    await orchestrator.poll();
    await holder.lease.release();
    writeFileSync(`${stage.stateDir}/lease/lease.db`, "junk");
    stage.now += 3 * HOUR;
    const started = await orchestrator.poll();
    expect(names(started)).toEqual(["sweep"]);
    expect(await ends(started)).toEqual(["completed"]);
    stage.now += 3 * HOUR;
    expect(names(await orchestrator.poll())).toEqual(["sweep"]);
    expect(stage.streak("summary")).toMatchObject({ openedAt: began, count: 1, starving: true });
    // Said once, however many polls meet it.
    expect(stage.said("error").filter((line) => line.startsWith("Cannot look after"))).toHaveLength(1);
    expect(stage.starts("summary")).toBe(0);
  });
});
