import { writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { counting, DAY, ends, HOUR, MINUTE, names, SECOND, taskOf, taskStage } from "../../test/support/task-stage.ts";
import { recordEnd } from "./run-task.ts";

const NEVER = new AbortController().signal;

const WAYS = [
  { how: "exit code 5", script: "exit 5", reason: "the task deferred itself" },
  {
    how: "an outcome line and exit code 5",
    script: `echo '{"outcome":"deferred","reason":"index is busy"}'; exit 5`,
    reason: "index is busy",
  },
  { how: "an outcome line and exit code 0", script: `echo '{"outcome":"deferred","reason":"index is busy"}'`, reason: "index is busy" },
];

describe("field notes: neomjs/neo#13755: a deferred child is no completed run", () => {
  it.each(WAYS)("by $how it is skipped, leaves the last run as it was, and is tried again after its pause", async ({ script, reason }) => {
    await using stage = taskStage();
    const task = taskOf("summary", `${counting("summary")}; test -e ready || { ${script}; exit; }`);
    stage.seen(HOUR, task);
    const orchestrator = stage.orchestrator([task]);
    const [first] = await orchestrator.poll();
    expect(await first?.end).toMatchObject({ outcome: "skipped", reasonCode: "deferred-by-task", reason });
    expect(stage.record("summary")).toMatchObject({
      lastRunAt: null,
      lastCompletedAt: null,
      lastEndedAt: null,
      lastOutcome: "skipped",
      lastReasonCode: "deferred-by-task",
      lastReason: reason,
      failures: 0,
      notBefore: stage.now + MINUTE,
    });
    expect(stage.streak("summary")).toMatchObject({ count: 1, reasonCode: "deferred-by-task", openedAt: stage.now });
    stage.now += MINUTE - 1;
    expect(await orchestrator.poll()).toEqual([]);
    stage.now += 1;
    expect(await ends(await orchestrator.poll())).toEqual(["skipped"]);
    expect(stage.starts("summary")).toBe(2);
    expect(stage.streak("summary")).toMatchObject({ count: 2, openedAt: stage.now - MINUTE });
    expect(stage.ledger.history("summary", 10).map(({ outcome }) => outcome)).toEqual(["skipped", "skipped"]);
    // The lease is free again each time.
    expect(await stage.keeper.inspect()).toMatchObject({ state: "free" });
  });

  it("502 deferrals in a row are no success, and one streak since the first", async () => {
    await using stage = taskStage({ blocking: true });
    const task = taskOf("summary", "exit 5");
    stage.seen(HOUR, task);
    const began = stage.now;
    // As its run writes them down, without five hundred processes.
    for (let round = 0; round < 502; round += 1) {
      stage.now += MINUTE;
      const run = stage.ledger.claim({
        task: "summary",
        kind: "task",
        trigger: "t",
        now: stage.now,
        presence: "p",
        lastRunAt: null,
        endsStreak: true,
      });
      const end = {
        outcome: "skipped",
        reasonCode: "deferred-by-task",
        reason: "busy",
        exitCode: 5,
        signal: null,
        lastLines: null,
        backupId: null,
      } as const;
      await recordEnd(stage.parts([task]), task, run ?? 0, end, stage.now, stage.now, NEVER);
    }
    expect(stage.record("summary")).toMatchObject({ lastRunAt: null, lastCompletedAt: null, lastOutcome: "skipped" });
    expect(stage.streak("summary")).toMatchObject({ count: 502, openedAt: began + MINUTE });
    expect(stage.ledger.history("summary", 1000).some(({ outcome }) => outcome === "completed")).toBe(false);
  });

  it("keeps the streak that it was in before it started, and ends it when it runs at last", async () => {
    await using stage = taskStage();
    const task = taskOf("summary", "test -e ready || exit 5");
    stage.seen(HOUR, task);
    const holder = await stage.keeper.acquire({ owner: "somebody" });
    if (holder.outcome === "held") throw new Error("held");
    const orchestrator = stage.orchestrator([task]);
    const began = stage.now;
    await orchestrator.poll();
    await holder.lease.release();
    stage.now += 3 * SECOND;
    expect(await ends(await orchestrator.poll())).toEqual(["skipped"]);
    expect(stage.streak("summary")).toMatchObject({ count: 2, openedAt: began });
    expect(stage.lines.filter(({ message }) => message.startsWith("Deferred by"))).toEqual([
      { level: "info", message: "Deferred by session summarization itself: the task deferred itself.", task: "summary" },
    ]);
    writeFileSync(stage.join("ready"), "");
    stage.now += DAY;
    expect(await ends(await orchestrator.poll())).toEqual(["completed"]);
    expect(stage.streak("summary")).toBeUndefined();
    expect(stage.record("summary")).toMatchObject({ lastRunAt: stage.now, lastCompletedAt: stage.now, notBefore: null });
  });

  it("waits for a quarter of a short cadence only, in whole milliseconds", async () => {
    await using stage = taskStage();
    const task = taskOf("summary", "exit 5", { schedule: { every: 50 } });
    stage.seen(HOUR, task);
    const orchestrator = stage.orchestrator([task]);
    const started = await orchestrator.poll();
    expect(names(started)).toEqual(["summary"]);
    expect(await ends(started)).toEqual(["skipped"]);
    expect(stage.record("summary")).toMatchObject({ lastOutcome: "skipped", notBefore: stage.now + 12 });
    expect(stage.said("error")).toEqual([]);
  });
});
