import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { leasePlace } from "../../../test/support/lease-place.ts";
import { leaseProcess } from "../../../test/support/lease-process.ts";

describe("Lease.fence()", () => {
  it("runs its step once, gives what it gives, and lets go when it throws", async () => {
    await using place = leasePlace();
    const { lease } = await place.hold();
    expect(await lease.fence("commit", () => 7)).toBe(7);
    expect(await lease.fence("commit", async () => await Promise.resolve("later"))).toBe("later");
    await expect(lease.fence("commit", () => Promise.reject(new Error("the step failed")))).rejects.toThrow("the step failed");
    expect(existsSync(place.join("lease", "fence.json"))).toBe(false);
    await lease.fence("commit", () => {});
    expect(await lease.release()).toBe("released");
  });

  it("keeps break out: LEASE_FENCED names the step and the process, the lease can be looked at, and a kill frees it at once", async () => {
    await using place = leasePlace();
    await using holder = await leaseProcess(place);
    await holder.hold();
    await holder.enter("swap of a restore");
    // Stopped in the middle of it, so that it never ends by itself.
    holder.stop();
    expect(await place.keeper.acquire({ owner: "next" })).toMatchObject({
      outcome: "held",
      holder: { fence: "swap of a restore", pid: holder.pid },
    });
    await expect(place.keeper.break()).rejects.toMatchObject({
      code: "LEASE_FENCED",
      details: { label: "swap of a restore", pid: holder.pid },
      hint: expect.stringContaining(`kill -KILL ${holder.pid}`),
    });
    expect(await place.keeper.inspect()).toMatchObject({ state: "held", fence: "swap of a restore", pid: holder.pid });
    await holder.kill();
    const next = await place.hold();
    expect(next.afterDeadHolder).toBe(true);
    // The note that it died beside says nothing any more.
    expect(await place.keeper.inspect()).toMatchObject({ fence: null });
    await next.lease.release();
  });

  it("does not run the step of a holder that was stopped, broken and replaced meanwhile", async () => {
    await using place = leasePlace();
    await using holder = await leaseProcess(place);
    await using other = await leaseProcess(place);
    const first = await holder.hold();
    // Positive control: the same step runs while nobody has come between.
    await holder.fence(place.join("before"));
    expect(readFileSync(place.join("before"), "utf8")).toBe("step\n");
    holder.stop();
    const step = holder.fence(place.join("after"));
    expect(await place.keeper.break()).toMatchObject({ outcome: "broken", before: { pid: holder.pid } });
    const second = await other.hold();
    expect(second.lease.generation).toBe(first.lease.generation + 2);
    holder.resume();
    await expect(step).rejects.toMatchObject({ code: "LEASE_LOST", details: { generation: first.lease.generation } });
    expect(existsSync(place.join("after"))).toBe(false);
    await expect(holder.check()).rejects.toMatchObject({ code: "LEASE_LOST" });
    expect(await holder.release()).toBe("not-owner");
    await other.check();
    await other.fence(place.join("after"));
    expect(await other.release()).toBe("released");
  });

  it("waits for another's step under the same lease, and both run", async () => {
    await using place = leasePlace();
    await using holder = await leaseProcess(place);
    await using joiner = await leaseProcess(place);
    const { lease } = await holder.hold();
    await joiner.hold({ token: lease.environment.HOLDFAST_LEASE });
    await joiner.enter("first");
    const second = holder.fence(place.join("steps"));
    expect(await place.keeper.inspect()).toMatchObject({ fence: "first" });
    expect(existsSync(place.join("steps"))).toBe(false);
    await joiner.leave();
    await second;
    expect(readFileSync(place.join("steps"), "utf8")).toBe("step\n");
  });

  it("refuses after release, by holder and by joiner, and runs nothing", async () => {
    await using place = leasePlace();
    const { lease } = await place.hold();
    const token = lease.environment.HOLDFAST_LEASE;
    const joined = await place.hold({ token });
    expect(await joined.lease.release()).toBe("left");
    let ran = false;
    const step = (): void => void (ran = true);
    for (const attempt of [() => joined.lease.check(), () => joined.lease.fence("x", step), () => joined.lease.addChild(process.pid, "x")])
      await expect(attempt()).rejects.toMatchObject({ code: "LEASE_LOST" });
    await lease.check();
    expect(await lease.release()).toBe("released");
    await expect(lease.fence("x", step)).rejects.toMatchObject({ code: "LEASE_LOST" });
    expect(ran).toBe(false);
  });

  it("fails without its step when its note cannot be written", async () => {
    await using place = leasePlace();
    const { lease } = await place.hold();
    let ran = false;
    // A folder in the note's way stands for whatever keeps it from being written.
    mkdirSync(place.join("lease", "fence.json"));
    writeFileSync(place.join("lease", "fence.json", "in-the-way"), "");
    await expect(lease.fence("x", () => void (ran = true))).rejects.toThrow("fence.json");
    expect(ran).toBe(false);
    rmSync(place.join("lease", "fence.json"), { recursive: true });
    await lease.fence("x", () => void (ran = true));
    expect(ran).toBe(true);
    await lease.release();
  });
});

describe("LeaseKeeper.break()", () => {
  it("names what still runs of the holder and cannot be fenced", async () => {
    await using place = leasePlace();
    await using holder = await leaseProcess(place);
    await holder.hold({ reason: "nightly" });
    const child = await holder.start("group");
    const environment = await holder.start("environment");
    const report = await place.keeper.break();
    expect(report).toMatchObject({ outcome: "broken", before: { owner: expect.any(String), reason: "nightly", pid: holder.pid } });
    expect(report.survivors.map(({ role }) => role).toSorted()).toEqual(["child", "environment", "holder"]);
    expect(report.survivors.map(({ pid }) => pid)).toEqual(expect.arrayContaining([holder.pid, environment.pid]));
    // What runs on no longer keeps anybody out.
    const next = await place.hold();
    expect(next.afterDeadHolder).toBe(false);
    await next.lease.release();
    await child.kill();
  });

  it("finds nothing to break where nobody holds it, and where there never was a store", async () => {
    await using place = leasePlace();
    expect(await place.keeper.break()).toEqual({ outcome: "missing", before: null, survivors: [], unreserved: null });
    expect(existsSync(place.join("lease"))).toBe(false);
    const { lease } = await place.hold();
    await lease.release();
    expect(await place.keeper.break()).toEqual({ outcome: "missing", before: null, survivors: [], unreserved: null });
    expect((await place.keeper.inspect())?.generation).toBe(lease.generation);
  });

  it("ends a reservation of somebody who lives and does not come, such as one that is stopped", async () => {
    await using place = leasePlace();
    const { lease } = await place.hold();
    await place.keeper.reserve("kbSync");
    await lease.release();
    expect((await place.keeper.acquire({ owner: "script" })).outcome).toBe("held");
    expect(await place.keeper.break()).toMatchObject({ outcome: "missing", unreserved: "kbSync" });
    const { lease: next } = await place.hold();
    await next.release();
  });
});
