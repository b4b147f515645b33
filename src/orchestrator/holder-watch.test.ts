import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { later } from "../../test/support/later.ts";
import { leaseProcess } from "../../test/support/lease-process.ts";
import { counting, DAY, ends, holding, lightTask, MINUTE, names, taskOf, taskStage } from "../../test/support/task-stage.ts";

describe("a holder past max_hold is asked to make room", () => {
  it.each([
    { way: "stdin", script: "echo start > summary.starts; read -r word; echo $word > heard" },
    { way: "signal", script: "trap 'echo yield > heard; exit 0' USR2; echo start > summary.starts; while :; do sleep 0.02; done" },
  ] as const)("a task of this process by $way, once, when somebody waits", async ({ way, script }) => {
    await using stage = taskStage();
    const [summary, backup] = [taskOf("summary", script, { yield: way }), taskOf("backup", counting("backup"))];
    stage.seen(30 * DAY, summary);
    const orchestrator = stage.orchestrator([summary, backup], { maxHold: 30 * MINUTE });
    const started = await orchestrator.poll();
    expect(names(started)).toEqual(["summary"]);
    await stage.made("summary.starts");
    // Nobody waits: it may go on.
    await later(31 * MINUTE, async () => await orchestrator.poll());
    expect(stage.said("info").some((line) => line.startsWith("Asking"))).toBe(false);
    stage.now += MINUTE;
    await orchestrator.poll();
    expect(stage.streak("backup")?.count).toBe(1);
    // Somebody waits, and its time is not over.
    await orchestrator.poll();
    expect(stage.said("info").some((line) => line.startsWith("Asking"))).toBe(false);
    await later(31 * MINUTE, async () => {
      await orchestrator.poll();
      await orchestrator.poll();
    });
    expect(stage.said("info").filter((line) => line.startsWith("Asking"))).toEqual([
      "Asking session summarization to make room for backup.",
    ]);
    expect(await ends(started)).toEqual(["completed"]);
    expect(readFileSync(stage.join("heard"), "utf8")).toBe("yield\n");
  });

  it("a task of this process that knows the lease sees it in shouldYield(), whatever way it has chosen", async () => {
    await using stage = taskStage();
    const [summary, backup] = [taskOf("summary", `echo $HOLDFAST_LEASE > token; ${holding("summary")}`), taskOf("backup", "true")];
    stage.seen(30 * DAY, summary);
    stage.seen(DAY, backup);
    const orchestrator = stage.orchestrator([summary, backup], { maxHold: 30 * MINUTE });
    const started = await orchestrator.poll();
    await stage.made("summary.starts");
    await using child = await leaseProcess({ stateDir: stage.stateDir });
    await child.acquire({ token: readFileSync(stage.join("token"), "utf8").trim() });
    expect(await child.shouldYield()).toBe(false);
    await later(31 * MINUTE, async () => await orchestrator.poll());
    await expect.poll(async () => await child.shouldYield(), { timeout: 10_000 }).toBe(true);
    await child.release();
    stage.letGo("summary");
    await ends(started);
  });

  it("a holder elsewhere by its lease, counted from when this process first saw it, whatever time the holder wrote down", async () => {
    await using stage = taskStage();
    await using script = await leaseProcess({ stateDir: stage.stateDir });
    await script.hold({ owner: "reindex" });
    const backup = taskOf("backup", "true");
    stage.seen(DAY, backup);
    const orchestrator = stage.orchestrator([backup], { maxHold: 30 * MINUTE });
    await orchestrator.poll();
    stage.now += DAY;
    await orchestrator.poll();
    expect(await stage.keeper.inspect()).toMatchObject({ yieldRequestedBy: null });
    await later(31 * MINUTE, async () => await orchestrator.poll());
    expect(await stage.keeper.inspect()).toMatchObject({ yieldRequestedBy: "backup" });
    await expect.poll(async () => await script.shouldYield(), { timeout: 10_000 }).toBe(true);
  });

  it("what was seen of one holder is not said of the next", async () => {
    await using stage = taskStage();
    await using script = await leaseProcess({ stateDir: stage.stateDir });
    await script.hold({ owner: "reindex" });
    const [summary, backup] = [taskOf("summary", holding("summary")), taskOf("backup", "true")];
    stage.seen(30 * DAY, summary);
    stage.seen(DAY, backup);
    const orchestrator = stage.orchestrator([summary, backup], { maxHold: 30 * MINUTE });
    await orchestrator.poll();
    await script.release();
    const started = await later(25 * MINUTE, async () => await orchestrator.poll());
    expect(names(started)).toEqual(["summary"]);
    // Half an hour since the first holder was seen, and six minutes since this one began.
    await later(31 * MINUTE, async () => await orchestrator.poll());
    expect(stage.streak("backup")?.count).toBe(3);
    expect(await stage.keeper.inspect()).toMatchObject({ owner: "summary", yieldRequestedBy: null });
    stage.letGo("summary");
    await ends(started);
  });
});

describe("field notes: neomjs/neo#13760: hung is not dead", () => {
  it("a holder that says nothing for ten minutes is told of once, and its lease is not taken", async () => {
    await using stage = taskStage();
    await using script = await leaseProcess({ stateDir: stage.stateDir });
    await script.hold({ owner: "dream" });
    script.stop();
    const backup = taskOf("backup", "true");
    stage.seen(DAY, backup);
    const orchestrator = stage.orchestrator([backup]);
    await orchestrator.poll();
    await later(9 * MINUTE, async () => await orchestrator.poll());
    expect(stage.said("warn")).toEqual([]);
    await later(11 * MINUTE, async () => {
      expect(await orchestrator.poll()).toEqual([]);
      expect(await orchestrator.poll()).toEqual([]);
    });
    expect(stage.said("warn")).toEqual([
      `dream, pid ${script.pid}, holds the heavy-maintenance lease and has said nothing for 10 minutes; when it hangs: holdfast lease break`,
    ]);
    expect(stage.streak("backup")?.count).toBe(4);
    script.resume();
  });
});

describe("field notes: neomjs/neo#12264, #16210: a holder that crashed holds nothing", () => {
  it("the next poll after its death runs what waited, however long its lease was for, and says so", async () => {
    await using stage = taskStage();
    const backup = taskOf("backup", counting("backup"));
    stage.seen(DAY, backup);
    const orchestrator = stage.orchestrator([backup]);
    {
      await using script = await leaseProcess({ stateDir: stage.stateDir });
      await script.hold({ owner: "kbSync" });
      expect(await orchestrator.poll()).toEqual([]);
      await script.kill();
    }
    expect(await ends(await orchestrator.poll())).toEqual(["completed"]);
    expect(stage.said("warn")).toEqual(["The holder of the heavy-maintenance lease before died without releasing it"]);
  });
});

describe("field notes: paperclip#9289: a flag that nobody clears", () => {
  it("a run of this process whose end was lost does not keep its task from running for ever", async () => {
    await using stage = taskStage();
    const sweep = lightTask("sweep", counting("sweep"));
    stage.seen(DAY, sweep);
    const parts = stage.parts([sweep]);
    // Written down as running by this very process, which does not run it.
    stage.ledger.claim({ task: "sweep", kind: "task", trigger: "t", now: stage.now, presence: parts.presence.id, lastRunAt: null });
    const orchestrator = stage.orchestrator([sweep], parts);
    await orchestrator.poll();
    expect(stage.record("sweep")).toMatchObject({ lastReasonCode: "interrupted" });
    stage.now += MINUTE;
    expect(await ends(await orchestrator.poll())).toEqual(["completed"]);
  });
});
