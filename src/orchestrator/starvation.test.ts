import { describe, expect, it } from "vitest";
import { later } from "../../test/support/later.ts";
import { leaseProcess } from "../../test/support/lease-process.ts";
import { orchestratorProcess } from "../../test/support/orchestrator-process.ts";
import { counting, DAY, ends, holding, HOUR, MINUTE, names, SECOND, taskOf, taskStage } from "../../test/support/task-stage.ts";

const KEPT = "The next free lease is kept for backup.";

describe("field notes: neomjs/neo#16561: nobody starves unseen", () => {
  it("past its bound a task is starving: said once at WARN, shown in its row, and the lease is kept for it", async () => {
    await using stage = taskStage();
    await using script = await leaseProcess({ stateDir: stage.stateDir });
    await script.hold({ owner: "reindex" });
    const backup = taskOf("backup", counting("backup"));
    stage.seen(DAY, backup);
    const orchestrator = stage.orchestrator([backup], { maxDeferral: HOUR });
    const began = stage.now;
    await orchestrator.poll();
    stage.now += HOUR;
    await orchestrator.poll();
    expect(stage.streak("backup")).toMatchObject({ starving: false });
    expect(stage.said("warn")).toEqual([]);
    stage.now += 1;
    for (let poll = 0; poll < 5; poll += 1) await orchestrator.poll();
    expect(stage.streak("backup")).toMatchObject({ starving: true, openedAt: began, count: 7 });
    expect(stage.said("warn")).toEqual([`memory core backup is starving: deferred 2 times since ${new Date(began).toISOString()}.`]);
    expect(stage.said("info").filter((line) => line === KEPT)).toHaveLength(1);
    await script.release();
    // Another owner is turned away, and told for whom.
    expect(await script.acquire({ owner: "script" })).toMatchObject({ outcome: "held", holder: { state: "free" }, reservedFor: "backup" });
    // What puts things right is never kept waiting.
    expect(await script.acquire({ owner: "restore", overReservation: true })).toMatchObject({ outcome: "acquired" });
    await script.release();
    expect(await ends(await orchestrator.poll())).toEqual(["completed"]);
    expect(stage.streak("backup")).toBeUndefined();
    expect(await script.acquire({ owner: "script" })).toMatchObject({ outcome: "acquired" });
  });

  it("the starving task gets the next free lease before tasks that are further behind", async () => {
    await using stage = taskStage();
    const holder = await stage.keeper.acquire({ owner: "somebody" });
    if (holder.outcome === "held") throw new Error("held");
    const [summary, backup] = [taskOf("summary", counting("summary")), taskOf("backup", counting("backup"))];
    stage.seen(HOUR, backup);
    await stage.orchestrator([backup], { maxDeferral: HOUR }).poll();
    stage.seen(30 * DAY, summary);
    stage.now += 2 * HOUR;
    const orchestrator = stage.orchestrator([summary, backup], { maxDeferral: 90 * MINUTE });
    await orchestrator.poll();
    await holder.lease.release();
    stage.now += 3 * SECOND;
    const started = await orchestrator.poll();
    expect(names(started)).toEqual(["backup"]);
    // Deferred in the same poll, or behind whom it is kept for: in any case the summary waits.
    expect(stage.streak("summary")).toMatchObject({ count: 2 });
    await ends(started);
    expect(names(await orchestrator.poll())).toEqual(["summary"]);
  });

  it("is by default after one cadence, and after an hour at least", async () => {
    await using stage = taskStage();
    const holder = await stage.keeper.acquire({ owner: "somebody" });
    if (holder.outcome === "held") throw new Error("held");
    const [summary, backup] = [taskOf("summary", "true"), taskOf("backup", "true")];
    stage.seen(DAY, summary, backup);
    const orchestrator = stage.orchestrator([summary, backup]);
    await orchestrator.poll();
    const starving = async (after: number): Promise<string[]> => {
      stage.now += after;
      await orchestrator.poll();
      return stage.ledger.streaks().flatMap(({ task, starving: is }) => (is ? [task] : []));
    };
    expect(await starving(HOUR)).toEqual([]);
    expect(await starving(1)).toEqual(["summary"]);
    expect(await starving(5 * HOUR - 1)).toEqual(["summary"]);
    expect((await starving(1)).toSorted()).toEqual(["backup", "summary"]);
    await holder.lease.release();
  });

  it("starving survives a restart: it is not said again, and the lease is kept again", async () => {
    await using stage = taskStage();
    const holder = await stage.keeper.acquire({ owner: "somebody" });
    if (holder.outcome === "held") throw new Error("held");
    const backup = taskOf("backup", counting("backup"));
    stage.seen(DAY, backup);
    const before = stage.orchestrator([backup], { maxDeferral: MINUTE });
    await before.poll();
    stage.now += HOUR;
    await before.poll();
    await before.close();
    stage.reopen();
    expect(await stage.keeper.inspect()).toMatchObject({ reservedFor: null });
    const after = stage.orchestrator([backup], { maxDeferral: MINUTE });
    await after.poll();
    expect(stage.said("warn")).toHaveLength(1);
    expect(await stage.keeper.inspect()).toMatchObject({ reservedFor: "backup" });
    await holder.lease.release();
  });
});

describe("a lease that is kept for a starving task", () => {
  it("is free for all again when the process that keeps it was killed", async () => {
    await using stage = taskStage();
    const holder = await stage.keeper.acquire({ owner: "somebody" });
    if (holder.outcome === "held") throw new Error("held");
    const backup = taskOf("backup", counting("backup"));
    stage.seen(DAY, backup);
    await using daemon = await orchestratorProcess({ stateDir: stage.stateDir, cwd: stage.join(), tasks: [backup], maxDeferral: MINUTE });
    await daemon.poll(stage.now);
    await daemon.poll(stage.now + HOUR);
    await holder.lease.release();
    expect(await stage.keeper.acquire({ owner: "script" })).toMatchObject({ outcome: "held", reservedFor: "backup" });
    await daemon.kill();
    const taken = await stage.keeper.acquire({ owner: "script" });
    expect(taken.outcome).toBe("acquired");
    if (taken.outcome !== "held") await taken.lease.release();
  });

  it("lets the one for whom it is kept go before a task that it comes after and has waited for already", async () => {
    await using stage = taskStage();
    const [dream, golden] = [taskOf("dream", counting("dream")), taskOf("golden-path", counting("golden-path"))];
    stage.seen(DAY, golden, dream);
    const orchestrator = stage.orchestrator([golden, dream], { maxDeferral: 30 * MINUTE });
    expect(await ends(await orchestrator.poll())).toEqual(["completed"]);
    const holder = await stage.keeper.acquire({ owner: "somebody" });
    if (holder.outcome === "held") throw new Error("held");
    await orchestrator.poll();
    stage.now += 40 * MINUTE;
    await orchestrator.poll();
    expect(await stage.keeper.inspect()).toMatchObject({ reservedFor: "golden-path" });
    // Now the dream is due as well.
    stage.now += 2 * HOUR;
    await holder.lease.release();
    const first = await orchestrator.poll();
    expect(names(first)).toEqual(["golden-path"]);
    await ends(first);
    const second = await orchestrator.poll();
    expect(names(second)).toEqual(["dream"]);
    await ends(second);
  });

  it("that is not fetched in ten minutes of the process's own clock is withdrawn, and the next starving task gets its turn", async () => {
    await using stage = taskStage();
    const holder = await stage.keeper.acquire({ owner: "somebody" });
    if (holder.outcome === "held") throw new Error("held");
    const [backup, dream] = [taskOf("backup", holding("backup")), taskOf("dream", counting("dream"))];
    stage.seen(DAY, backup);
    const orchestrator = stage.orchestrator([backup, dream], { maxDeferral: MINUTE });
    await orchestrator.poll();
    stage.seen(DAY, dream);
    stage.now += HOUR;
    await orchestrator.poll();
    stage.now += HOUR;
    await orchestrator.poll();
    expect(await stage.keeper.inspect()).toMatchObject({ reservedFor: "backup" });
    await later(11 * MINUTE, () => orchestrator.poll());
    expect(stage.said("warn")).toContain("The lease is kept for backup no longer.");
    expect(await stage.keeper.inspect()).toMatchObject({ reservedFor: "dream" });
    await holder.lease.release();
  });
});
