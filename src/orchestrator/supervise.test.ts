import { existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { processesOfGroup } from "../kernel/index.ts";
import type { RunEnd } from "../ledger/index.ts";
import { taskOf, taskStage, type TaskStage } from "../../test/support/task-stage.ts";
import { supervise, type Supervised, type SuperviseRequest } from "./supervise.ts";
import type { DeclaredTask } from "./task.ts";

interface Watched extends Supervised {
  readonly stop: AbortController;
  readonly output: string;
}

let lastRun = 0;

async function watch(
  stage: TaskStage,
  script: string,
  more: Partial<DeclaredTask> = {},
  request: Partial<SuperviseRequest> = {},
): Promise<Watched> {
  const stop = new AbortController();
  lastRun += 1;
  let output = "";
  const supervised = await supervise({
    task: taskOf("summary", script, more),
    run: lastRun,
    lease: null,
    stateDir: stage.stateDir,
    cwd: stage.join(),
    env: { PATH: process.env["PATH"] },
    log: stage.log,
    record: (_child, path) => void (output = path),
    signal: stop.signal,
    grace: 300,
    ...request,
  });
  return { ...supervised, stop, output };
}

async function endOf(stage: TaskStage, script: string, more: Partial<DeclaredTask> = {}): Promise<RunEnd> {
  return await (
    await watch(stage, script, more)
  ).ended;
}

const TOLD = (outcome: string, reason = "because"): string => `echo '{"outcome":"${outcome}","reason":"${reason}"}'`;

describe("supervise(): the outcome by exit code and outcome line", () => {
  const table: readonly [script: string, outcome: string, code: string | null, reason: string | null][] = [
    ["exit 0", "completed", null, null],
    [TOLD("completed"), "completed", null, "because"],
    [TOLD("deferred"), "skipped", "deferred-by-task", "because"],
    [TOLD("failed"), "failed", "failed-by-task", "because"],
    ["exit 5", "skipped", "deferred-by-task", "the task deferred itself"],
    [`${TOLD("deferred")}; exit 5`, "skipped", "deferred-by-task", "because"],
    // The exit code alone is enough to defer or to fail, and no word of success outdoes it.
    [`${TOLD("completed")}; exit 5`, "skipped", "deferred-by-task", "because"],
    [`${TOLD("completed")}; exit 1`, "failed", "exit-code", "ended with exit code 1"],
    [`${TOLD("deferred")}; exit 1`, "failed", "exit-code", "ended with exit code 1"],
    ["kill -KILL $$", "failed", "ended-by-signal", "ended by SIGKILL"],
    ["/nowhere/program", "failed", "exit-code", "ended with exit code 127"],
    // The last word counts; words of others and lines that are none of it do not.
    [
      `${TOLD("failed")}; echo noise; ${TOLD("completed", "in the end")}; echo '{"progress":1}'; echo '{broken'`,
      "completed",
      null,
      "in the end",
    ],
    [`echo 'said {"outcome":"failed"}'`, "completed", null, null],
    [`echo '{"outcome":"great"}'`, "completed", null, null],
    [`echo '{"outcome":"failed","reason":7}'`, "failed", "failed-by-task", null],
  ];
  it.each(table)("%s is %s", async (script, outcome, reasonCode, reason) => {
    await using stage = taskStage();
    expect(await endOf(stage, script)).toMatchObject({ outcome, reasonCode, reason });
  });
});

describe("supervise() of the builtin backup", () => {
  const backup = async (stage: TaskStage, document: unknown, exit: number): Promise<RunEnd> => {
    writeFileSync(stage.join("document.json"), JSON.stringify(document, null, 2));
    const argv = ["sh", "-c", `cat document.json; echo; echo '(node:1) Warning: something' >&2; exit ${exit}`];
    return await (
      await watch(stage, "", {}, { task: { ...taskOf("backup", "true"), builtin: "backup", argv } })
    ).ended;
  };

  it("goes by the document that it prints: complete, partial, deferred, failed", async () => {
    await using stage = taskStage();
    const id = "2026-05-20T12-00-00_scheduled";
    expect(await backup(stage, { schema: "holdfast.backup/1", id }, 0)).toMatchObject({
      outcome: "completed",
      reasonCode: null,
      backupId: id,
    });
    expect(await backup(stage, { schema: "holdfast.backup/1", id, alarms: [] }, 3)).toMatchObject({
      outcome: "completed",
      reasonCode: "partial-backup",
      reason: "something declared was not captured",
      backupId: id,
    });
    expect(await backup(stage, { schema: "holdfast.backup/1", id, alarms: ["notes: is empty"] }, 3)).toMatchObject({
      reason: "notes: is empty",
    });
    const error = { code: "LEASE_HELD", message: "The heavy-maintenance lease is held by kbSync" };
    expect(await backup(stage, { error }, 5)).toMatchObject({
      outcome: "skipped",
      reasonCode: "deferred-by-task",
      reason: error.message,
      backupId: null,
    });
    expect(await backup(stage, { error: { code: "NO_SPACE", message: "The disk is full" } }, 1)).toMatchObject({
      outcome: "failed",
      reasonCode: "NO_SPACE",
      reason: "The disk is full",
      backupId: null,
    });
  });

  it("without a document is no success, whatever its exit code", async () => {
    await using stage = taskStage();
    expect(await backup(stage, {}, 0)).toMatchObject({ outcome: "failed", reasonCode: "exit-code", backupId: null });
  });

  it("with a warning for each of ten thousand files is the success that it says it is", async () => {
    await using stage = taskStage();
    const warnings = Array.from({ length: 10_000 }, (_, index) => `memory/${index}.jsonl: grew while it was read`);
    const end = await backup(stage, { schema: "holdfast.backup/1", id: "2026-05-20T12-00-00_scheduled", warnings }, 0);
    expect(end).toMatchObject({ outcome: "completed", backupId: "2026-05-20T12-00-00_scheduled" });
    expect(end.lastLines?.length).toBeLessThanOrEqual(2000);
  });
});

describe("supervise() of the builtin verification", () => {
  const verification = async (document: unknown, exit: number): Promise<RunEnd> => {
    await using stage = taskStage();
    writeFileSync(stage.join("document.json"), JSON.stringify(document, null, 2));
    const argv = ["sh", "-c", `cat document.json; exit ${exit}`];
    return await (
      await watch(stage, "", {}, { task: { ...taskOf("verify", "true"), builtin: "verify", argv } })
    ).ended;
  };
  const good = { id: "2026-05-20T06-00-00_scheduled", ok: true };
  const bad = { id: "2026-05-20T12-00-00_scheduled", ok: false, problem: "a pack is missing" };

  it.each([
    ["nothing damaged", { results: [good], vault: [] }, 0, "completed", null, null],
    ["damage", { results: [good, bad], vault: ["x: no manifest"] }, 4, "completed", "damage-found", `${bad.id} is damaged; x: no manifest`],
    ["an error by name", { error: { code: "VAULT_BUSY", message: "It is in use" } }, 1, "failed", "VAULT_BUSY", "It is in use"],
    ["no document", {}, 0, "failed", "exit-code", "ended with exit code 0"],
  ])("with %s", async (_what, document, exit, outcome, reasonCode, reason) => {
    expect(await verification(document, exit)).toMatchObject({ outcome, reasonCode, reason, backupId: null });
  });
});

describe("supervise(): stopping", () => {
  it("at its deadline ends the whole group, TERM first, also a child and a grandchild that do not listen", async () => {
    await using stage = taskStage();
    // Each stays when it is told to end.
    const stubborn =
      "trap '' TERM; sh -c 'trap \"\" TERM; echo start > grandchild; while :; do sleep 0.02; done' & echo start > child; while :; do sleep 0.02; done";
    const watched = await watch(stage, stubborn, { timeout: 700 });
    const { pid } = watched.child;
    await stage.made("grandchild");
    expect(processesOfGroup(pid).length).toBeGreaterThanOrEqual(2);
    expect(await watched.ended).toMatchObject({
      outcome: "failed",
      reasonCode: "deadline",
      reason: "stopped at its deadline of 700 ms",
      signal: "SIGKILL",
    });
    await expect.poll(() => processesOfGroup(pid)).toEqual([]);
  });

  it("lets a child that listens to TERM clean up, and kills what it left in its group", async () => {
    await using stage = taskStage();
    const script =
      "trap 'echo clean > cleaned; exit 7' TERM; (trap '' TERM; while :; do sleep 0.02; done) & echo start > child; while :; do sleep 0.02; done";
    const watched = await watch(stage, script);
    await stage.made("child");
    watched.stop.abort();
    expect(await watched.ended).toMatchObject({
      outcome: "failed",
      reasonCode: "interrupted",
      reason: "stopped with the daemon",
      exitCode: 7,
    });
    expect(existsSync(stage.join("cleaned"))).toBe(true);
    await expect.poll(() => processesOfGroup(watched.child.pid)).toEqual([]);
  });

  it("reaches a child that was stopped with SIGSTOP", async () => {
    await using stage = taskStage();
    const watched = await watch(stage, "echo start > child; kill -STOP $$; sleep 600");
    await stage.made("child");
    watched.stop.abort();
    expect(await watched.ended).toMatchObject({ reasonCode: "interrupted", signal: "SIGTERM" });
  });

  it("a child with neither output nor processor time for so long has stalled; one that works or prints has not", async () => {
    await using stage = taskStage();
    const [silent, working, printing] = await Promise.all([
      watch(stage, "sleep 600", { stall: 1500 }),
      watch(stage, "while [ ! -e go ]; do :; done", { stall: 1500 }),
      watch(stage, "while [ ! -e go ]; do echo alive; sleep 0.3; done", { stall: 1500 }),
    ]);
    expect(await silent.ended).toMatchObject({
      outcome: "failed",
      reasonCode: "stalled",
      reason: "stopped: no output and no processor time for 1500 ms",
    });
    writeFileSync(stage.join("go"), "");
    expect((await Promise.all([working.ended, printing.ended])).map(({ outcome }) => outcome)).toEqual(["completed", "completed"]);
  });
});

describe("supervise(): gate and output", () => {
  it("the program runs nothing before it is written down, and nothing at all when that fails", async () => {
    await using stage = taskStage();
    const failing = watch(
      stage,
      "echo start > child",
      {},
      {
        record: () => {
          expect(existsSync(stage.join("child"))).toBe(false);
          throw new Error("the ledger is locked");
        },
      },
    );
    await expect(failing).rejects.toThrow("the ledger is locked");
    expect(existsSync(stage.join("child"))).toBe(false);
    const order: string[] = [];
    const watched = await watch(
      stage,
      "echo start > child",
      {},
      { record: ({ pid }) => void order.push(`${pid} ${existsSync(stage.join("child"))}`) },
    );
    await watched.ended;
    expect(order).toEqual([`${watched.child.pid} false`]);
    expect(existsSync(stage.join("child"))).toBe(true);
  });

  it("what it prints goes to a file that is its own, and to the log with the level that its lines begin with", async () => {
    await using stage = taskStage();
    const watched = await watch(stage, "echo one; echo '[WARN] slow' >&2; echo 'ERROR: no'; echo DEBUG detail; printf 'without an end'");
    const end = await watched.ended;
    expect(readFileSync(watched.output, "utf8")).toBe("one\n[WARN] slow\nERROR: no\nDEBUG detail\nwithout an end");
    expect(end.lastLines).toBe("one\n[WARN] slow\nERROR: no\nDEBUG detail\nwithout an end");
    expect(stage.lines).toEqual([
      { level: "info", message: "summary: one", task: "summary" },
      { level: "warn", message: "summary: slow", task: "summary" },
      { level: "error", message: "summary: no", task: "summary" },
      { level: "debug", message: "summary: detail", task: "summary" },
      { level: "info", message: "summary: without an end", task: "summary" },
    ]);
  });

  it("an output that is removed or cut short while it runs ends neither the task nor its supervision", async () => {
    await using stage = taskStage();
    const removed = await watch(stage, "echo one; echo start > child; while [ ! -e go ]; do sleep 0.02; done; exit 1");
    await stage.made("child");
    rmSync(removed.output);
    const cut = await watch(stage, "echo a long line of output; echo start > second; while [ ! -e go ]; do sleep 0.02; done; echo end");
    await stage.made("second");
    await expect.poll(() => stage.lines.length, { timeout: 10_000 }).toBeGreaterThanOrEqual(2);
    truncateSync(cut.output, 0);
    writeFileSync(stage.join("go"), "");
    expect(await removed.ended).toMatchObject({ outcome: "failed", reasonCode: "exit-code", exitCode: 1 });
    expect(await cut.ended).toMatchObject({ outcome: "completed", lastLines: "end" });
    expect(stage.said("error").every((line) => line.startsWith("Cannot read the output of summary: "))).toBe(true);
    expect(stage.said("error").length).toBeGreaterThan(0);
    expect(stage.said("info")).toContain("summary: end");
  });
});
