import { closeSync, constants, openSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { leasePlace, openDescriptors } from "../../../test/support/lease-place.ts";
import { leaseProcess } from "../../../test/support/lease-process.ts";
import { askBeacon } from "./beacon.ts";

describe("LeaseKeeper.acquire()", () => {
  it("gives one lease to one of many who ask at once, with the next generation each time", async () => {
    await using place = leasePlace();
    const all = await Promise.all([1, 2, 3, 4].map(async () => await leaseProcess(place)));
    try {
      let last = 0;
      for (let round = 0; round < 5; round += 1) {
        const answers = await Promise.all(all.map(async (one) => await one.acquire()));
        const winners = all.filter((_, index) => answers[index]?.outcome === "acquired");
        expect(winners).toHaveLength(1);
        const generation = (await place.keeper.inspect())?.generation ?? 0;
        expect(generation).toBe(round === 0 ? generation : last + 1);
        last = generation;
        expect(await winners[0]?.release()).toBe("released");
      }
    } finally {
      await Promise.all(all.map(async (one) => await one[Symbol.asyncDispose]()));
    }
  });

  it("says who holds it, since when, doing what and how far", async () => {
    await using place = leasePlace();
    const { lease } = await place.hold({ owner: "backup", reason: "periodic-sweep:21600000" });
    lease.progress({ doing: "packing", progress: 0.25 });
    lease.progress({ doing: "packing", progress: 0.5 });
    await using other = await leaseProcess(place);
    await expect.poll(async () => (await other.inspect())?.progress).toBe(0.5);
    expect(await other.acquire()).toMatchObject({
      outcome: "held",
      contended: false,
      reservedFor: null,
      foreignToken: false,
      holder: { owner: "backup", reason: "periodic-sweep:21600000", pid: process.pid, doing: "packing", progress: 0.5, seq: 2 },
    });
    await lease.release();
    // The last word of an old holder is not the next one's.
    const next = await place.hold();
    expect(await place.keeper.inspect()).toMatchObject({ doing: null, progress: null, seq: null });
    await next.lease.release();
  });

  it("waits when it is told, says so once, and gets it when the holder lets go", async () => {
    await using place = leasePlace();
    const { lease } = await place.hold({ owner: "first" });
    const told: unknown[] = [];
    const next = place.hold({
      owner: "second",
      wait: 60_000,
      onWaiting: ({ holder }) => {
        told.push(holder?.owner);
        void lease.release();
      },
    });
    const { lease: second } = await next;
    expect(told).toEqual(["first"]);
    await second.release();
  });

  it("stops waiting with INTERRUPTED, or with the signal's own reason, and holds nothing then", async () => {
    await using place = leasePlace();
    const { lease } = await place.hold();
    const before = openDescriptors();
    const controller = new AbortController();
    const reason = new Error("enough");
    const waiting = place.keeper.acquire({
      owner: "next",
      wait: 60_000,
      signal: controller.signal,
      onWaiting: () => controller.abort(reason),
    });
    await expect(waiting).rejects.toMatchObject({ code: "INTERRUPTED", cause: reason });
    await expect(place.keeper.acquire({ owner: "next", signal: controller.signal })).rejects.toMatchObject({ code: "INTERRUPTED" });
    expect(openDescriptors()).toBe(before);
    await lease.check();
    await lease.release();
  });

  it("with its own token joins, and the beacon stays lit until both have let go", async () => {
    await using place = leasePlace();
    await using holder = await leaseProcess(place);
    const { lease } = await holder.hold();
    const joined = await place.hold({ token: lease.environment.HOLDFAST_LEASE });
    expect(joined).toMatchObject({ outcome: "inherited", foreignToken: false });
    expect(joined.lease).toMatchObject({ inherited: true, generation: lease.generation, environment: lease.environment });
    await holder.kill();
    expect(askBeacon(place.join("lease"), "beacon-0")).toBe("reader");
    await joined.lease.fence("commit", () => {});
    expect(await joined.lease.release()).toBe("left");
    expect(askBeacon(place.join("lease"), "beacon-0")).toBe("no-reader");
    await (await place.hold()).lease.release();
  });

  it("with a stale token asks for a lease of its own, and says so", async () => {
    await using place = leasePlace();
    const first = await place.hold();
    const token = first.lease.environment.HOLDFAST_LEASE;
    await first.lease.release();
    const second = await place.hold({ token });
    expect(second).toMatchObject({ outcome: "acquired", foreignToken: true });
    expect(second.lease.environment.HOLDFAST_LEASE).not.toBe(token);
    expect(await place.keeper.acquire({ owner: "next", token })).toMatchObject({ outcome: "held", foreignToken: true });
    await second.lease.release();
  });

  it("uses another beacon while somebody has an old one open, and makes one more when all are in use", async () => {
    await using place = leasePlace();
    const used = [];
    const leaked = [];
    for (let round = 0; round < 5; round += 1) {
      await using holder = await leaseProcess(place);
      await holder.hold();
      used.push(place.row()["beacon"]);
      await holder.start("daemon");
      // Whoever keeps it open keeps only its slot.
      leaked.push(openSync(place.join("lease", `beacon-${round}`), constants.O_RDONLY | constants.O_NONBLOCK));
      await holder.release();
    }
    expect(used).toEqual(["beacon-0", "beacon-1", "beacon-2", "beacon-3", "beacon-4"]);
    for (const descriptor of leaked) closeSync(descriptor);
  });
});

describe("LeaseKeeper.reserve()", () => {
  it("keeps the next free lease for one owner of one process, until it is withdrawn", async () => {
    await using place = leasePlace();
    await using other = await leaseProcess(place);
    expect(await place.keeper.reserve("starving")).toBe(true);
    expect(await place.keeper.reserve("starving")).toBe(true);
    expect(await other.reserve("late")).toBe(false);
    expect(await other.reserve("starving")).toBe(false);
    expect(await other.acquire({ owner: "starving" })).toMatchObject({
      outcome: "held",
      reservedFor: "starving",
      holder: { reservedFor: "starving", state: "free" },
    });
    expect(await place.keeper.acquire({ owner: "neighbour" })).toMatchObject({ outcome: "held", reservedFor: "starving" });
    await other.withdraw("starving");
    expect(await other.acquire()).toMatchObject({ outcome: "held", reservedFor: "starving" });
    await place.keeper.withdraw("starving");
    await other.hold();
    await other.release();
  });

  it("is used up by the one that it was for, and outlives a holder that does not need it", async () => {
    await using place = leasePlace();
    await using other = await leaseProcess(place);
    await other.hold();
    expect(await place.keeper.reserve("starving")).toBe(true);
    await other.release();
    await other.hold({ overReservation: true });
    expect(await place.keeper.acquire({ owner: "starving" })).toMatchObject({ outcome: "held", reservedFor: null });
    await other.release();
    expect(await other.acquire()).toMatchObject({ outcome: "held", reservedFor: "starving" });
    const { lease } = await place.hold({ owner: "starving" });
    await lease.release();
    await other.hold();
  });

  it("binds nobody when the one who reserved it is dead, and can be had by the next", async () => {
    await using place = leasePlace();
    await using other = await leaseProcess(place);
    expect(await other.reserve("starving")).toBe(true);
    expect(await place.keeper.acquire({ owner: "next" })).toMatchObject({ outcome: "held", reservedFor: "starving" });
    await other.kill();
    expect(await place.keeper.inspect()).toMatchObject({ reservedFor: null });
    expect(await place.keeper.reserve("next")).toBe(true);
    await (await place.hold({ owner: "next" })).lease.release();
  });
});

describe("LeaseKeeper.requestYield()", () => {
  it("is heard by the holder and by who joined, once there is one, and not by the next", async () => {
    await using place = leasePlace();
    await place.keeper.requestYield("nobody listens");
    await using holder = await leaseProcess(place);
    const { lease } = await holder.hold();
    expect(await holder.shouldYield()).toBe(false);
    await place.keeper.requestYield("backup");
    expect(await place.keeper.inspect()).toMatchObject({ yieldRequestedBy: "backup" });
    const joined = await place.hold({ token: lease.environment.HOLDFAST_LEASE });
    expect(joined.lease.shouldYield()).toBe(true);
    await joined.lease.release();
    await expect.poll(async () => await holder.shouldYield()).toBe(true);
    await holder.release();
    const next = await place.hold();
    expect(next.lease.shouldYield()).toBe(false);
    await next.lease.release();
  });
});

describe("Lease.release()", () => {
  it("is idempotent and closes its descriptor once, so that no other file's is closed", async () => {
    await using place = leasePlace();
    const before = openDescriptors();
    const { lease } = await place.hold();
    expect(openDescriptors()).toBe(before + 1);
    expect(await lease.release()).toBe("released");
    expect(openDescriptors()).toBe(before);
    // Until one of them gets the number that the beacon had.
    const strangers = [openSync("/dev/null", "r")];
    while (!strangers.includes(lease.descriptor)) strangers.push(openSync("/dev/null", "r"));
    expect(await Promise.all([lease.release(), lease.release()])).toEqual(["released", "released"]);
    await lease[Symbol.asyncDispose]();
    expect(openDescriptors()).toBe(before + strangers.length);
    for (const stranger of strangers) closeSync(stranger);
  });

  it("of an old lease takes nothing from the next holder", async () => {
    await using place = leasePlace();
    const old = await place.hold();
    await place.keeper.break();
    const next = await place.hold();
    expect(await old.lease.release()).toBe("not-owner");
    await next.lease.check();
    expect(await next.lease.release()).toBe("released");
  });

  it("drains while a child lives that was written down", async () => {
    await using place = leasePlace();
    await using holder = await leaseProcess(place);
    await holder.hold();
    const child = await holder.start("group");
    expect(await holder.release()).toBe("draining");
    expect(await holder.release()).toBe("draining");
    expect(await place.keeper.inspect()).toMatchObject({ stored: "draining", state: "draining" });
    expect(await place.keeper.acquire({ owner: "next" })).toMatchObject({ outcome: "held" });
    await child.kill();
    const next = await place.hold();
    expect(next.afterDeadHolder).toBe(false);
    await next.lease.release();
  });

  it("leaves no descriptor behind after attempts of every kind", async () => {
    await using place = leasePlace();
    await using holder = await leaseProcess(place);
    await (await place.hold()).lease.release();
    const before = openDescriptors();
    const { lease } = await holder.hold();
    const others = await holder.descriptors();
    for (let round = 0; round < 10; round += 1) {
      await place.keeper.acquire({ owner: "next" });
      await place.keeper.acquire({ owner: "next", token: "stale" });
      await (await place.hold({ token: lease.environment.HOLDFAST_LEASE })).lease.release();
      await place.keeper.inspect();
      await holder.check();
      await holder.fence(place.join("steps"));
    }
    expect(openDescriptors()).toBe(before);
    expect(await holder.descriptors()).toBe(others);
  });
});
