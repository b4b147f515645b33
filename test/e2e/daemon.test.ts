import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { identityOfProcess, isRunning } from "../../src/kernel/index.ts";
import type { RunRecord } from "../../src/ledger/index.ts";
import { logOf } from "../support/daemon-program.ts";
import { counting, daemonStage, holding, oddNames, shell, type DaemonStage } from "../support/daemon-stage.ts";
import { documentOf } from "../support/instance.ts";

const HOUR = 3_600_000;

interface HistoryDocument {
  readonly runs: readonly (Omit<RunRecord, "startedAt" | "endedAt"> & { readonly startedAt: string; readonly endedAt: string | null })[];
}

async function historyOf(stage: DaemonStage, ...name: string[]): Promise<HistoryDocument["runs"]> {
  return documentOf<HistoryDocument>(await stage.run("task", "history", ...name, "--json"), 0).runs;
}

/** Makes tasks overdue: first seen so long ago. */
function seen(stage: DaemonStage, ago: number, ...names: string[]): void {
  using ledger = stage.ledger();
  ledger.ensureTasks(names, Date.now() - ago);
}

/** Resolves when a task was deferred so often in its present streak. */
async function deferred(stage: DaemonStage, task: string, times: number): Promise<void> {
  using ledger = stage.ledger();
  const count = (): number => ledger.streaks().find((streak) => streak.task === task)?.count ?? 0;
  await expect.poll(count, { timeout: 60_000, interval: 20 }).toBeGreaterThanOrEqual(times);
}

describe("holdfast daemon", () => {
  it("takes a scheduled backup by itself, which is listed with its trigger and stands in the history with its id", async () => {
    await using stage = daemonStage({ backup: 'on_startup: false, on_shutdown: false, schedule: "* * * * * *"' });
    const daemon = await stage.daemon();
    const [, id = ""] = await daemon.saw(/Completed memory core backup (\S+_scheduled(?:-\d+)?)\./);
    expect(await daemon.end("SIGTERM")).toEqual({ exitCode: 0, signal: null });
    const { backups } = documentOf<{ backups: readonly { id: string; trigger: string }[] }>(await stage.run("backup", "list", "--json"), 0);
    expect(backups.find((one) => one.id === id)).toMatchObject({ trigger: "scheduled" });
    const run = (await historyOf(stage, "backup")).find(({ backupId }) => backupId === id);
    expect(run).toMatchObject({ outcome: "completed", reasonCode: null, exitCode: 0 });
    expect(run?.trigger).toBe("cron-sweep:* * * * * * UTC");
    expect(oddNames(readdirSync(stage.vault))).toEqual([]);
  });

  it("ends with 0 when it is told to stop: children and services are stopped and their runs closed, and a last backup is taken", async () => {
    await using stage = daemonStage({
      backup: "on_startup: false",
      tasks: [
        `  summary: { command: ${shell(holding("summary"))}, every: 1h }`,
        `  watch: { command: ${shell(holding("watch"))}, every: 1s }`,
        `  chroma: { command: ${shell(holding("chroma"))}, keep_running: true, label: chroma daemon }`,
      ].join("\n"),
    });
    seen(stage, HOUR, "summary", "watch");
    const daemon = await stage.daemon();
    await Promise.all(["summary", "watch", "chroma"].map(async (name) => await stage.begun(name, 1)));
    expect(await daemon.end("SIGTERM")).toEqual({ exitCode: 0, signal: null });
    expect(daemon.stderr()).toBe("");
    expect(stage.processes()).toEqual([]);
    const log = logOf(daemon);
    expect(log.find(({ message }) => message.startsWith("Stopping: ending "))?.message).toMatch(/summary/);
    const runs = await historyOf(stage);
    expect(runs.filter(({ outcome }) => outcome === "running")).toEqual([]);
    expect(runs.find(({ task }) => task === "summary")).toMatchObject({ outcome: "failed", reasonCode: "interrupted" });
    expect(runs.find(({ task }) => task === "watch")).toMatchObject({ outcome: "failed", reasonCode: "interrupted" });
    expect(runs.find(({ task }) => task === "chroma")).toMatchObject({ kind: "service", outcome: "completed" });
    expect(readdirSync(stage.vault).filter((name) => name.endsWith("_shutdown"))).toHaveLength(1);
    expect(oddNames(readdirSync(stage.vault))).toEqual([]);
    const { lease } = documentOf<{ lease: { state: string } }>(await stage.run("lease", "status", "--json"), 0);
    expect(lease.state).toBe("free");
  });

  it("finishes a backup that runs when it is told to stop, and takes the last one after it", async () => {
    await using stage = daemonStage({
      backup: "on_startup: false",
      orchestrator: "shutdown_timeout: 2m",
      components: `  dump: { command: ${shell(`${holding("dump")}; echo done`)}, as: dump.txt }`,
    });
    seen(stage, 7 * HOUR, "backup");
    const daemon = await stage.daemon();
    await stage.begun("dump", 1);
    daemon.signal("SIGTERM");
    await daemon.saw(/Stopping: ending backup/);
    stage.letGo("dump");
    await daemon.saw(/Completed memory core backup/);
    await stage.begun("dump", 2);
    stage.letGo("dump");
    expect(await daemon.ended).toEqual({ exitCode: 0, signal: null });
    const names = readdirSync(stage.vault);
    expect(names.filter((name) => name.endsWith("_scheduled"))).toHaveLength(1);
    expect(names.filter((name) => name.endsWith("_shutdown"))).toHaveLength(1);
    expect(oddNames(names)).toEqual([]);
  });

  it("gives up at a second signal, also in the middle of a backup, and nothing half-made is left", async () => {
    await using stage = daemonStage({
      backup: "on_startup: false",
      orchestrator: "shutdown_timeout: 5m",
      components: `  dump: { command: ${shell(holding("dump"))}, as: dump.txt }`,
    });
    seen(stage, 7 * HOUR, "backup");
    const daemon = await stage.daemon();
    await stage.begun("dump", 1);
    daemon.signal("SIGTERM");
    await daemon.saw(/Stopping: ending backup/);
    expect(await daemon.end("SIGTERM")).toEqual({ exitCode: 0, signal: null });
    expect(documentOf<{ backups: unknown[] }>(await stage.run("backup", "list", "--json"), 0).backups).toEqual([]);
    // The component's own program may outlive a backup that was killed; with it the last trace is gone.
    stage.letGo("dump");
    await expect.poll(stage.processes, { timeout: 30_000, interval: 5 }).toEqual([]);
    rmSync(stage.join("dump.go"), { force: true });
    const next = stage.start(["backup"]);
    await stage.begun("dump", 2);
    stage.letGo("dump");
    expect((await next.ended).exitCode).toBe(0);
    expect(oddNames(readdirSync(stage.vault))).toEqual([]);
  });

  it("--json: every line is one object with time, level, message, and the task that it is about", async () => {
    await using stage = daemonStage({
      tasks: [
        `  watch: { command: ${shell(`${counting("watch")}; echo '[WARN] slow "store"'; echo 'ERROR: none'; printf 'a\\\\tb\\\\n'`)}, every: 1s }`,
        `  broken: { command: ${shell("exit 3")}, every: 1s }`,
      ].join("\n"),
    });
    const daemon = await stage.daemon();
    await daemon.saw(/Failed broken: ended with exit code 3/);
    await daemon.saw(/Completed watch/);
    await daemon.end("SIGTERM");
    const log = logOf(daemon);
    for (const line of log) {
      expect(line.message).toMatch(/\S/);
      expect(["debug", "info", "warn", "error"]).toContain(line.level);
      expect(new Date(line.time).toISOString()).toBe(line.time);
      expect(Object.keys(line).filter((key) => !["time", "level", "message", "task"].includes(key))).toEqual([]);
    }
    expect(log).toContainEqual(expect.objectContaining({ level: "warn", message: 'watch: slow "store"', task: "watch" }));
    expect(log).toContainEqual(expect.objectContaining({ level: "error", message: "watch: none", task: "watch" }));
    expect(log).toContainEqual(
      expect.objectContaining({ level: "error", message: "Failed broken: ended with exit code 3.", task: "broken" }),
    );
  });

  it("says once, word for word, behind whom it defers the backup, counts every poll, and runs it when the lease is free", async () => {
    await using stage = daemonStage();
    seen(stage, 7 * HOUR, "backup");
    const hold = await stage.hold("kbSync");
    const daemon = await stage.daemon({ text: true });
    await deferred(stage, "backup", 12);
    const { tasks } = documentOf<{ tasks: readonly { name: string }[] }>(await stage.run("task", "list", "--json"), 0);
    expect(tasks.find(({ name }) => name === "backup")).toMatchObject({
      state: "skipped",
      lastRunAt: null,
      deferral: {
        task: "backup",
        outcome: "skipped",
        reasonCode: "heavy-maintenance-lease-held",
        reason: `heavy-maintenance lease held by kbSync, pid ${hold.pid}`,
        blockingTaskName: null,
        holdingOwner: "kbSync",
        holdingPid: hold.pid,
        deferredAt: expect.stringMatching(/Z$/),
        deferredSince: expect.stringMatching(/Z$/),
        starving: false,
      },
    });
    await hold.release();
    await daemon.saw(/Completed memory core backup \S+_scheduled\./);
    expect(await daemon.end("SIGTERM")).toEqual({ exitCode: 0, signal: null });
    const lines = daemon.stdout().split("\n").slice(0, -1);
    for (const line of lines) expect(line).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (?:DEBUG|INFO |WARN |ERROR) \S/);
    const told = lines.filter((line) => line.includes("Deferring")).map((line) => line.slice(25));
    expect(told).toEqual([
      `INFO  Deferring memory core backup; heavy-maintenance lease held by kbSync, pid ${hold.pid} (periodic-sweep:21600000).`,
    ]);
  });

  it("says once, word for word, that the backup is deferred behind another heavy task of its own", async () => {
    await using stage = daemonStage({ tasks: `  summary: { command: ${shell(holding("summary"))}, every: 10m }` });
    seen(stage, 365 * 24 * HOUR, "summary");
    seen(stage, 7 * HOUR, "backup");
    const daemon = await stage.daemon({ text: true });
    await stage.begun("summary", 1);
    await deferred(stage, "backup", 12);
    const { tasks } = documentOf<{ tasks: readonly { name: string }[] }>(await stage.run("task", "list", "--json"), 0);
    expect(tasks.find(({ name }) => name === "backup")).toMatchObject({
      deferral: {
        reasonCode: "heavy-maintenance-backpressure",
        reason: "heavy maintenance task session summarization is active",
        blockingTaskName: "summary",
        holdingOwner: null,
        holdingPid: null,
      },
    });
    stage.letGo("summary");
    await daemon.saw(/Completed memory core backup/);
    expect(await daemon.end("SIGTERM")).toEqual({ exitCode: 0, signal: null });
    const told = daemon
      .stdout()
      .split("\n")
      .filter((line) => line.includes("Deferring"))
      .map((line) => line.slice(25));
    expect(told).toEqual([
      "INFO  Deferring memory core backup; heavy maintenance task session summarization is active (periodic-sweep:21600000).",
    ]);
  });

  it("keeps a service running, with neither token nor descriptor of the lease, and takes no second one beside it", async () => {
    const look = `tr '\\\\0' '\\\\n' < /proc/$$/environ > service.env; ls -l /proc/$$/fd > service.fds`;
    await using stage = daemonStage({
      tasks: [
        `  summary: { command: ${shell(holding("summary"))}, every: 1h }`,
        `  chroma: { command: ${shell(`${look}; ${holding("chroma")}`)}, keep_running: true, label: chroma daemon }`,
      ].join("\n"),
    });
    seen(stage, HOUR, "summary");
    const daemon = await stage.daemon();
    await Promise.all([stage.begun("summary", 1), stage.begun("chroma", 1)]);
    const other = await stage.daemon();
    expect(stage.read("service.env")).toContain("DAEMON_STAGE=");
    expect(stage.read("service.env")).not.toContain("HOLDFAST_LEASE");
    expect(stage.read("service.fds")).not.toContain("beacon");
    const first = identityOfProcess(Number(stage.read("chroma.starts")));
    stage.letGo("chroma");
    await stage.begun("chroma", 2);
    expect(isRunning(first)).toBe(false);
    expect(stage.starts("chroma")).toBe(2);
    await Promise.all([daemon.end("SIGTERM"), other.end("SIGTERM")]);
    expect(stage.processes()).toEqual([]);
  });

  it("two on one state folder run each task once per due time, and never two at once", async () => {
    await using stage = daemonStage({
      tasks: [
        `  tick: { command: ${shell(counting("tick"))}, every: 1s }`,
        `  summary: { command: ${shell(counting("summary"))}, every: 1s }`,
        `  kbSync: { command: ${shell(counting("kbSync"))}, every: 1s }`,
      ].join("\n"),
    });
    const daemons = await Promise.all([stage.daemon(), stage.daemon()]);
    await Promise.all(["tick", "summary", "kbSync"].map(async (name) => await stage.begun(name, 6)));
    for (const end of await Promise.all(daemons.map(async (daemon) => await daemon.end("SIGTERM"))))
      expect(end).toEqual({ exitCode: 0, signal: null });
    const log = daemons.flatMap(logOf);
    expect(log.filter(({ level }) => level === "error")).toEqual([]);
    for (const [task, label] of [
      ["tick", "tick"],
      ["summary", "session summarization"],
      ["kbSync", "knowledge base sync"],
    ] as const) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      const runs = (await historyOf(stage, task)).toReversed();
      expect(runs.length).toBeGreaterThanOrEqual(6);
      expect(log.filter(({ message }) => message.startsWith(`Starting ${label} `))).toHaveLength(runs.length);
      for (const [index, run] of runs.entries()) {
        const before = runs[index - 1];
        // One that was stopped with its daemon comes again sooner.
        if (before === undefined || before.outcome !== "completed") continue;
        expect(Date.parse(run.startedAt) - Date.parse(before.startedAt)).toBeGreaterThanOrEqual(1000);
      }
    }
    expect(stage.starts("tick")).toBeLessThanOrEqual((await historyOf(stage, "tick")).length);
  });

  it("refuses a configuration that is wrong before it starts anything, and exits with 2", async () => {
    await using stage = daemonStage({ tasks: `  summary: { command: [sh, -c, "touch ran"], every: soon }` });
    const daemon = stage.start(["daemon", "--json"]);
    expect((await daemon.ended).exitCode).toBe(2);
    expect(daemon.stdout()).toContain('"holdfast.error/1"');
    expect(stage.read("ran")).toBe("");
    writeFileSync(stage.config, "{");
    expect((await stage.start(["daemon"]).ended).exitCode).toBe(2);
  });
});
