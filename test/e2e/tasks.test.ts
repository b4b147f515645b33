import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { TaskStatus } from "../../src/operations/index.ts";
import { counting, daemonStage, holding, shell, type DaemonStage } from "../support/daemon-stage.ts";
import { LAUNCHER } from "../support/holdfast.ts";
import { documentOf, failureOf } from "../support/instance.ts";

interface RunDocument {
  readonly schema: string;
  readonly task: string;
  readonly outcome: string;
  readonly reasonCode: string | null;
  readonly backupId?: string | null;
}

async function tasksOf(stage: DaemonStage): Promise<ReadonlyMap<string, TaskStatus>> {
  const { tasks } = documentOf<{ tasks: readonly TaskStatus[] }>(await stage.run("task", "list", "--json"), 0);
  return new Map(tasks.map((task) => [task.name, task]));
}

const DECLARED = [
  `  summary: { command: ${shell(counting("summary"))}, every: 1h }`,
  `  tick: { command: ${shell(counting("tick"))}, every: 5m, label: the clock }`,
  `  chroma: { command: ${shell(holding("chroma"))}, keep_running: true }`,
].join("\n");

describe("holdfast task list", () => {
  it("shows every declared task, the backup and the default names without a command, before anything has run, and makes nothing", async () => {
    await using stage = daemonStage({ tasks: DECLARED });
    const tasks = await tasksOf(stage);
    expect([...tasks.keys()].toSorted()).toEqual([
      "backup",
      "chroma",
      "dream",
      "golden-path",
      "kbSync",
      "primary-dev-sync",
      "summary",
      "tick",
    ]);
    expect(tasks.get("summary")).toEqual({
      name: "summary",
      label: "session summarization",
      kind: "task",
      heavy: true,
      schedule: "periodic-sweep:3600000",
      state: null,
      reasonCode: null,
      reason: null,
      lastRunAt: null,
      lastCompletedAt: null,
      nextDueAt: null,
      failures: 0,
      deferral: null,
    });
    expect(tasks.get("backup")).toMatchObject({ label: "memory core backup", heavy: true, schedule: "periodic-sweep:21600000" });
    expect(tasks.get("tick")).toMatchObject({ label: "the clock", heavy: false, schedule: "periodic-sweep:300000" });
    expect(tasks.get("chroma")).toMatchObject({ kind: "service", heavy: false, schedule: null });
    expect(tasks.get("kbSync")).toMatchObject({ kind: "not declared", label: "knowledge base sync", schedule: null });
    const { stdout } = await stage.run("task", "list");
    expect(stdout).toMatch(/^TASK +LABEL +HEAVY +SCHEDULE +STATE +LAST RUN +NEXT DUE$/m);
    expect(stdout).toMatch(/^summary +session summarization +heavy +every 1h +never ran/m);
    expect(stdout).toMatch(/^chroma +chroma +- +kept running +not running/m);
    expect(stdout).toMatch(/^kbSync +knowledge base sync +- +- +no command/m);
    expect(existsSync(stage.stateDir)).toBe(false);
  });

  it("shows what runs under a daemon, when what has run is due again, and how often in a row something failed", async () => {
    await using stage = daemonStage({
      tasks: `${DECLARED}\n  broken: { command: ${shell("exit 3")}, every: 1h }\n  long: { command: ${shell(holding("long"))}, every: 1h }`,
    });
    expect((await stage.run("task", "run", "summary")).exitCode).toBe(0);
    for (const _ of [1, 2]) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      expect((await stage.run("task", "run", "broken")).exitCode).toBe(1);
    }
    const long = stage.start(["task", "run", "long"]);
    await stage.begun("long", 1);
    const tasks = await tasksOf(stage);
    const summary = tasks.get("summary");
    expect(summary).toMatchObject({ state: "completed", failures: 0 });
    expect(Date.parse(summary?.nextDueAt ?? "") - Date.parse(summary?.lastRunAt ?? "")).toBe(3_600_000);
    expect(tasks.get("broken")).toMatchObject({
      state: "failed",
      reasonCode: "exit-code",
      reason: "ended with exit code 3",
      failures: 2,
      lastCompletedAt: null,
    });
    expect(tasks.get("long")).toMatchObject({ state: "running", nextDueAt: null });
    const { stdout } = await stage.run("task", "list");
    expect(stdout).toMatch(/^broken .+ failed \(2 in a row\): exit-code /m);
    expect(stdout).toMatch(/^long .+ running /m);
    stage.letGo("long");
    expect((await long.ended).exitCode).toBe(0);
  });
});

describe("holdfast task run", () => {
  it("runs a task now, heavy or light, whatever its schedule says: 0 when it completed, 1 when it failed", async () => {
    await using stage = daemonStage({
      tasks: `${DECLARED}\n  broken: { command: ${shell("echo why >&2; exit 3")}, every: 1h }\n  said: { command: ${shell(`echo '{"outcome":"failed","reason":"no store"}'`)}, every: 1h }`,
    });
    const run = documentOf<RunDocument>(await stage.run("task", "run", "summary", "--json"), 0);
    expect(run).toMatchObject({
      schema: "holdfast.task-run/1",
      task: "summary",
      outcome: "completed",
      reasonCode: null,
      exitCode: 0,
      backupId: null,
    });
    expect((await stage.run("task", "run", "tick")).exitCode).toBe(0);
    expect([stage.starts("summary"), stage.starts("tick")]).toEqual([1, 1]);
    const broken = await stage.run("task", "run", "broken", "--json");
    expect(broken.exitCode).toBe(1);
    expect(broken.json()).toMatchObject({
      outcome: "failed",
      reasonCode: "exit-code",
      reason: "ended with exit code 3",
      exitCode: 3,
      lastLines: "why",
    });
    const said = await stage.run("task", "run", "said");
    expect(said.exitCode).toBe(1);
    expect(said.stdout).toBe("failed: no store\n");
  });

  it("`task run backup` takes one, and names it", async () => {
    await using stage = daemonStage();
    const run = documentOf<RunDocument>(await stage.run("task", "run", "backup", "--json"), 0);
    expect(run).toMatchObject({ outcome: "completed", reasonCode: null });
    expect(run.backupId).toMatch(/_scheduled$/);
    expect(readdirSync(stage.vault)).toContain(run.backupId);
    const text = await stage.run("task", "run", "backup");
    expect(text.stdout).toMatch(/^completed: \S+_scheduled(?:-\d+)?\n$/);
  });

  it("exits with 5 when it is deferred, runs nothing, and leaves the last run as it was; with --wait it waits", async () => {
    await using stage = daemonStage({ tasks: DECLARED });
    const hold = await stage.hold();
    const text = await stage.run("task", "run", "summary");
    expect(text.exitCode).toBe(5);
    expect(text.stderr).toMatch(
      new RegExp(`^holdfast: deferred summary: The heavy-maintenance lease is held by hog, pid ${hold.pid}, since .*\\n$`),
    );
    expect(documentOf(await stage.run("task", "run", "summary", "--json"), 5)).toMatchObject({
      schema: "holdfast.task-run/1",
      task: "summary",
      outcome: "skipped",
      reasonCode: "heavy-maintenance-lease-held",
      holdingOwner: "hog",
      holdingPid: hold.pid,
    });
    expect(stage.starts("summary")).toBe(0);
    expect((await tasksOf(stage)).get("summary")?.lastRunAt).toBe(null);
    // Light work has nothing to do with it.
    expect((await stage.run("task", "run", "tick")).exitCode).toBe(0);
    const waiting = stage.start(["task", "run", "summary", "--wait", "5m"]);
    await waiting.saw(/Waiting: The heavy-maintenance lease is held by hog/);
    await hold.release();
    expect((await waiting.ended).exitCode).toBe(0);
    expect(stage.starts("summary")).toBe(1);
  });

  it("exits with 5 when the task defers itself, which is no run: it stays due, and is never recorded as completed", async () => {
    await using stage = daemonStage({
      tasks: [
        `  code: { command: ${shell("exit 5")}, every: 1h }`,
        `  word: { command: ${shell(`echo '{"outcome":"deferred","reason":"the store is busy"}'`)}, every: 1h }`,
      ].join("\n"),
    });
    for (const [name, reason] of [
      ["code", "the task deferred itself"],
      ["word", "the store is busy"],
    ] as const) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      expect(documentOf(await stage.run("task", "run", name, "--json"), 5)).toMatchObject({
        outcome: "skipped",
        reasonCode: "deferred-by-task",
        reason,
      });
      // oxlint-disable-next-line no-await-in-loop -- see above
      expect((await tasksOf(stage)).get(name)).toMatchObject({
        state: "skipped",
        lastRunAt: null,
        lastCompletedAt: null,
        deferral: { reasonCode: "deferred-by-task", count: 1 },
      });
    }
  });

  it("exits with 5 when it runs already, under a daemon or another command", async () => {
    await using stage = daemonStage({ tasks: `  long: { command: ${shell(holding("long"))}, every: 1h }` });
    const long = stage.start(["task", "run", "long"]);
    await stage.begun("long", 1);
    expect(documentOf(await stage.run("task", "run", "long", "--json"), 5)).toMatchObject({
      outcome: "skipped",
      reasonCode: "already-running",
    });
    expect((await stage.run("task", "run", "long")).stderr).toBe("holdfast: deferred long: it runs already\n");
    stage.letGo("long");
    expect((await long.ended).exitCode).toBe(0);
    expect(stage.starts("long")).toBe(1);
  });

  it("joins the lease that it was started under", async () => {
    await using stage = daemonStage({ tasks: DECLARED });
    const run = await stage.run(
      "lease",
      "run",
      "--owner",
      "script",
      "--",
      process.execPath,
      LAUNCHER,
      "--config",
      stage.config,
      "task",
      "run",
      "summary",
    );
    expect(run.exitCode, run.stderr).toBe(0);
    expect(stage.starts("summary")).toBe(1);
  });

  it("stops its task when it is told to stop itself, and closes the run", async () => {
    await using stage = daemonStage({ tasks: `  long: { command: ${shell(holding("long"))}, every: 1h, heavy: true }` });
    const long = stage.start(["task", "run", "long", "--json"]);
    await stage.begun("long", 1);
    expect((await long.end("SIGTERM")).exitCode).toBe(1);
    expect(JSON.parse(long.stdout())).toMatchObject({ outcome: "failed", reasonCode: "interrupted" });
    expect(stage.processes()).toEqual([]);
    expect((await tasksOf(stage)).get("long")).toMatchObject({ state: "failed", reasonCode: "interrupted", failures: 1 });
  });

  it("refuses a name that nobody declared, with the one that was meant; a service; a default name without a command", async () => {
    await using stage = daemonStage({ tasks: DECLARED });
    const refused = async (name: string): Promise<string> => {
      const failure = failureOf(await stage.run("task", "run", name, "--json"), 2);
      expect(failure.code).toBe("TASK_NOT_FOUND");
      return `${failure.message}. ${failure.hint}`;
    };
    expect(await refused("sumary")).toBe('No task is called "sumary". Did you mean "summary"?');
    expect(await refused("something-else")).toBe('No task is called "something-else". See them with: holdfast task list');
    expect(await refused("chroma")).toBe('"chroma" is a service, which the daemon keeps running. Start it with: holdfast daemon');
    expect(await refused("kbSync")).toBe('Nothing is declared for task "kbSync". Give it a command: tasks.kbSync.command');
    expect(existsSync(stage.stateDir)).toBe(false);
  });

  it("`task run backup` with scheduled backups off says what takes one", async () => {
    await using stage = daemonStage({ backup: "enabled: false" });
    expect(failureOf(await stage.run("task", "run", "backup", "--json"), 2)).toMatchObject({
      code: "TASK_NOT_FOUND",
      hint: "backup.enabled is false: take one with holdfast backup",
    });
  });
});

describe("holdfast task history", () => {
  it("shows runs, the newest first, with why, outcome, and backup; of one task, and so many at most", async () => {
    await using stage = daemonStage({ tasks: `${DECLARED}\n  broken: { command: ${shell("exit 3")}, every: 1h }` });
    expect(documentOf<{ runs: unknown[] }>(await stage.run("task", "history", "--json"), 0).runs).toEqual([]);
    for (const name of ["summary", "broken", "tick", "tick", "backup"]) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await stage.run("task", "run", name);
    }
    const all = documentOf<{
      runs: readonly { task: string; trigger: string; outcome: string; output: string; startedAt: string; endedAt: string }[];
    }>(await stage.run("task", "history", "--json"), 0).runs;
    expect(all.map(({ task }) => task)).toEqual(["backup", "tick", "tick", "broken", "summary"]);
    for (const run of all) {
      expect(run.trigger).toBe("manual");
      expect(Date.parse(run.endedAt)).toBeGreaterThanOrEqual(Date.parse(run.startedAt));
      expect(existsSync(run.output)).toBe(true);
    }
    expect(all[3]).toMatchObject({ outcome: "failed", reasonCode: "exit-code", exitCode: 3 });
    const two = documentOf<{ runs: readonly { task: string }[] }>(await stage.run("task", "history", "--limit", "2", "--json"), 0);
    expect(two.runs.map(({ task }) => task)).toEqual(["backup", "tick"]);
    const { stdout } = await stage.run("task", "history", "broken");
    expect(stdout.trim().split("\n")).toEqual([
      expect.stringMatching(/^STARTED +TASK +WHY +OUTCOME +TOOK +REASON$/),
      expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:]+Z +broken +manual +failed +\S.* +ended with exit code 3$/),
    ]);
    expect((await stage.run("task", "history", "backup")).stdout).toMatch(/completed .+_scheduled$/m);
    expect(failureOf(await stage.run("task", "history", "brokn", "--json"), 2)).toMatchObject({
      code: "TASK_NOT_FOUND",
      hint: 'Did you mean "broken"?',
    });
    for (const limit of ["0", "-1", "1.5", "many"]) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      expect(failureOf(await stage.run("task", "history", `--limit=${limit}`, "--json"), 2).code).toBe("USAGE");
    }
  });

  it("knows what became of a run that has no supervisor any more, and its output is kept", async () => {
    await using stage = daemonStage({ tasks: `  long: { command: ${shell(`echo begun; ${holding("long")}; echo ended`)}, every: 1h }` });
    const long = stage.start(["task", "run", "long"]);
    await stage.begun("long", 1);
    await long.end("SIGKILL");
    // Its program lives, so that it runs.
    expect((await tasksOf(stage)).get("long")).toMatchObject({ state: "running" });
    expect(documentOf(await stage.run("task", "run", "long", "--json"), 5)).toMatchObject({ reasonCode: "already-running" });
    stage.letGo("long");
    await expect.poll(stage.processes, { timeout: 30_000, interval: 5 }).toEqual([]);
    const again = stage.start(["task", "run", "long"]);
    await stage.begun("long", 2);
    stage.letGo("long");
    expect((await again.ended).exitCode).toBe(0);
    const { runs } = documentOf<{ runs: readonly { outcome: string; reasonCode: string | null; output: string; lastLines: string }[] }>(
      await stage.run("task", "history", "long", "--json"),
      0,
    );
    expect(runs.map(({ outcome, reasonCode }) => [outcome, reasonCode])).toEqual([
      ["completed", null],
      ["failed", "interrupted"],
    ]);
    expect(readFileSync(runs[1]?.output ?? "", "utf8")).toBe("begun\nended\n");
    expect(runs[1]?.lastLines).toBe("begun\nended");
  });
});
