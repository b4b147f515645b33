import { mkdirSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { orchestratorProcess } from "../../test/support/orchestrator-process.ts";
import { DAY, ends, holding, lightTask, MINUTE, names, SECOND, taskOf, taskStage, type TaskStage } from "../../test/support/task-stage.ts";
import { bePresent } from "../ledger/index.ts";
import { isRunning } from "../kernel/index.ts";
import type { Task } from "./task.ts";

/** A daemon that has started the task, and was killed; the task works on. */
async function killedDaemon(stage: TaskStage, task: Task): Promise<void> {
  stage.seen(DAY, task);
  await using daemon = await orchestratorProcess({ stateDir: stage.stateDir, cwd: stage.join(), tasks: [task] });
  expect(await daemon.poll(stage.now)).toEqual([task.name]);
  await stage.made(`${task.name}.starts`);
  await daemon.kill();
}

/** Resolves when the child of the one run that is written down as running has ended. */
async function childGone(stage: TaskStage): Promise<void> {
  const [run] = stage.ledger.running();
  const child = run?.child ?? null;
  await expect.poll(() => child !== null && isRunning(child), { timeout: 30_000, interval: 5 }).toBe(false);
}

describe("a run whose supervisor was killed", () => {
  it.each([{ heavy: true }, { heavy: false }])(
    "keeps its task from being started again while its program lives, and is a failure when that has ended (heavy: $heavy)",
    async ({ heavy }) => {
      await using stage = taskStage();
      const task = heavy ? taskOf("summary", holding("summary")) : lightTask("summary", holding("summary"), { heavy: false });
      await killedDaemon(stage, task);
      const orchestrator = stage.orchestrator([task]);
      stage.now += MINUTE;
      expect(await orchestrator.poll()).toEqual([]);
      expect(await orchestrator.poll()).toEqual([]);
      expect(stage.ledger.running()).toMatchObject([{ task: "summary", outcome: "running" }]);
      stage.letGo("summary");
      await childGone(stage);
      await orchestrator.poll();
      expect(stage.ledger.running()).toEqual([]);
      expect(stage.record("summary")).toMatchObject({
        lastOutcome: "failed",
        lastReasonCode: "interrupted",
        failures: 1,
        failingSince: stage.now,
      });
      expect(stage.said("warn")).toEqual(["A run of summary was cut off: it is closed as interrupted."]);
      // As after any failure, it comes again soon, and does not wait for its cadence.
      stage.now += 30 * SECOND - 1;
      expect(await orchestrator.poll()).toEqual([]);
      stage.now += 1;
      const started = await orchestrator.poll();
      expect(names(started)).toEqual(["summary"]);
      stage.letGo("summary");
      expect(await ends(started)).toEqual(["completed"]);
      expect(stage.starts("summary")).toBe(2);
    },
  );

  it("holds the lease for as long as its program lives: other heavy tasks wait, and their line names it", async () => {
    await using stage = taskStage();
    const [summary, backup] = [taskOf("summary", holding("summary")), taskOf("backup", "true")];
    await killedDaemon(stage, summary);
    stage.seen(DAY, backup);
    const orchestrator = stage.orchestrator([summary, backup]);
    expect(await orchestrator.poll()).toEqual([]);
    expect(stage.said("info")).toEqual([
      expect.stringMatching(/^Deferring memory core backup; heavy-maintenance lease held by summary, pid \d+ /),
    ]);
    stage.letGo("summary");
    await childGone(stage);
    const started = await orchestrator.poll();
    expect(names(started)).toEqual(["backup"]);
    await ends(started);
    expect(stage.said("warn")).toContain("The holder of the heavy-maintenance lease before died without releasing it");
  });

  it("of a backup that says it was committed is closed as completed, with its id", async () => {
    await using stage = taskStage();
    const document = JSON.stringify({ schema: "holdfast.backup/1", id: "2026-05-20T12-00-00_scheduled", status: "complete" }, null, 2);
    writeFileSync(stage.join("document.json"), document);
    const backup = taskOf("backup", `echo start > backup.starts; while [ ! -e backup.go ]; do sleep 0.02; done; cat document.json`);
    await killedDaemon(stage, backup);
    stage.letGo("backup");
    await childGone(stage);
    const orchestrator = stage.orchestrator([backup]);
    expect(await orchestrator.poll()).toEqual([]);
    expect(stage.record("backup")).toMatchObject({ lastOutcome: "completed", lastCompletedAt: stage.now, failures: 0 });
    expect(stage.ledger.history("backup", 1)).toMatchObject([{ outcome: "completed", backupId: "2026-05-20T12-00-00_scheduled" }]);
  });

  it("a document of another run of the same number, from before the ledger was lost, makes nothing a success", async () => {
    await using stage = taskStage();
    const backup = taskOf("backup", `echo start > backup.starts; while [ ! -e backup.go ]; do sleep 0.02; done; exit 1`);
    // Numbers begin with the time; two machines may have had the same.
    mkdirSync(`${stage.stateDir}/tasks/backup`, { recursive: true });
    writeFileSync(
      `${stage.stateDir}/tasks/backup/${stage.now}.log`,
      `{"schema":"holdfast.backup/1","id":"2025-01-01T00-00-00_scheduled"}\n`,
    );
    await killedDaemon(stage, backup);
    stage.letGo("backup");
    await childGone(stage);
    await stage.orchestrator([backup]).poll();
    expect(stage.ledger.history("backup", 1)).toMatchObject([
      { id: stage.now, outcome: "failed", reasonCode: "interrupted", backupId: null },
    ]);
  });

  it("of a backup that could say nothing is told of, and one that named its failure or was committed has told it itself", async () => {
    for (const [last, told] of [
      ["kill -9 $$", 1],
      [`echo '{"error":{"code":"NO_SPACE","message":"no"}}'; exit 1`, 0],
      [`echo '{"schema":"holdfast.backup/1","id":"2026-05-20T12-00-00_scheduled"}'`, 0],
    ] as const) {
      const stage = taskStage();
      const lost: unknown[] = [];
      // oxlint-disable no-await-in-loop -- each on a stage of its own
      const backup = taskOf("backup", `${holding("backup")}; ${last}`);
      await killedDaemon(stage, backup);
      stage.letGo("backup");
      await childGone(stage);
      await stage.orchestrator([backup], { lost: async ({ code }, since) => void lost.push([code, since]) }).poll();
      expect(lost, last).toEqual(told === 0 ? [] : [["ENGINE_KILLED", stage.now]]);
      await stage[Symbol.asyncDispose]();
      // oxlint-enable no-await-in-loop
    }
  });

  it("before its program was written down has done nothing, and is closed at once", async () => {
    await using stage = taskStage();
    const task = taskOf("summary", "true");
    stage.seen(DAY, task);
    {
      using gone = bePresent(stage.stateDir);
      expect(
        stage.ledger.claim({ task: "summary", kind: "task", trigger: "t", now: stage.now, presence: gone.id, lastRunAt: null }),
      ).not.toBeNull();
      // While its supervisor is there it is about to.
      expect(await stage.orchestrator([task]).poll()).toEqual([]);
      expect(stage.ledger.running()).toHaveLength(1);
    }
    await stage.orchestrator([task]).poll();
    expect(stage.ledger.running()).toEqual([]);
    expect(stage.record("summary")).toMatchObject({ lastReasonCode: "interrupted", failures: 1 });
  });
});

describe("Orchestrator.close()", () => {
  it("stops what runs, says so, and the run counts as a failure that comes again soon", async () => {
    await using stage = taskStage();
    const task = taskOf("summary", holding("summary"));
    stage.seen(DAY, task);
    const orchestrator = stage.orchestrator([task]);
    const [started] = await orchestrator.poll();
    await stage.made("summary.starts");
    await orchestrator.close();
    expect(await started?.end).toMatchObject({
      outcome: "failed",
      reasonCode: "interrupted",
      reason: "stopped with the daemon",
      signal: "SIGTERM",
    });
    expect(stage.said("warn")).toEqual(["Stopped session summarization: stopped with the daemon."]);
    expect(stage.ledger.running()).toEqual([]);
    expect(await stage.keeper.inspect()).toMatchObject({ state: "free" });
    stage.now += DAY;
    // Nothing starts any more.
    expect(await orchestrator.poll()).toEqual([]);
    expect(await orchestrator.runNow(task, { wait: 0, token: null, onWaiting: () => {} })).toBe("already-running");
    expect(await stage.keeper.inspect()).toMatchObject({ state: "free" });
  });

  it("lets what it is told to finish end by itself, and kills everything once it may wait no longer", async () => {
    await using stage = taskStage();
    const deaf = (name: string): string => `trap '' TERM; ${holding(name)}`;
    const [backup, sweep] = [{ ...taskOf("backup", deaf("backup")), builtin: "backup" as const }, lightTask("sweep", deaf("sweep"))];
    stage.seen(DAY, backup, sweep);
    const orchestrator = stage.orchestrator([backup, sweep]);
    const started = await orchestrator.poll();
    expect(names(started).toSorted()).toEqual(["backup", "sweep"]);
    await Promise.all([stage.made("backup.starts"), stage.made("sweep.starts")]);
    const enough = new AbortController();
    // An hour from TERM to KILL, which the second word does not wait for.
    const closed = orchestrator.close({ grace: 60 * MINUTE, finish: "backup", until: enough.signal });
    expect(orchestrator.running.toSorted()).toEqual(["backup", "sweep"]);
    enough.abort();
    await closed;
    for (const { end } of started) expect(await end).toMatchObject({ outcome: "failed", reasonCode: "interrupted", signal: "SIGKILL" });
  });

  it("waits for the backup that it lets finish", async () => {
    await using stage = taskStage();
    const backup = {
      ...taskOf("backup", `${holding("backup")}; echo '{"id":"2026-05-20T12-00-00_scheduled"}'`),
      builtin: "backup" as const,
    };
    stage.seen(DAY, backup);
    const orchestrator = stage.orchestrator([backup]);
    const [started] = await orchestrator.poll();
    await stage.made("backup.starts");
    const closed = orchestrator.close({ finish: "backup" });
    stage.letGo("backup");
    await closed;
    expect(await started?.end).toMatchObject({ outcome: "completed", backupId: "2026-05-20T12-00-00_scheduled" });
    expect(stage.record("backup").lastCompletedAt).toBe(stage.now);
  });
});
