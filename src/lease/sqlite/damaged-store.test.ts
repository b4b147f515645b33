import { cpSync, mkdirSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { leasePlace, openDescriptors, type LeasePlace } from "../../../test/support/lease-place.ts";
import { leaseProcess } from "../../../test/support/lease-process.ts";
import { askBeacon, beaconsIn } from "./beacon.ts";

/** What may become of a store behind everybody's back, and what it is called then. */
const DAMAGES: readonly (readonly [what: string, code: string, damage: (place: LeasePlace) => void])[] = [
  ["was removed", "LEASE_STORE_MISSING", ({ join }) => rmSync(join("lease"), { recursive: true })],
  ["became a file", "LEASE_STORE_MISSING", ({ join }) => (rmSync(join("lease"), { recursive: true }), writeFileSync(join("lease"), ""))],
  ["lost its database", "LEASE_STORE_MISSING", ({ join }) => rmSync(join("lease", "lease.db"))],
  ["became an empty folder", "LEASE_STORE_MISSING", ({ join }) => (rmSync(join("lease"), { recursive: true }), mkdirSync(join("lease")))],
  ["is junk", "LEASE_STORE_DAMAGED", ({ join }) => writeFileSync(join("lease", "lease.db"), "junk ".repeat(4000))],
  ["is empty", "LEASE_STORE_DAMAGED", ({ join }) => truncateSync(join("lease", "lease.db"), 0)],
  ["was cut off", "LEASE_STORE_DAMAGED", ({ join }) => truncateSync(join("lease", "lease.db"), 4096)],
  ["belongs to another program", "LEASE_STORE_DAMAGED", ({ sql }) => sql("PRAGMA application_id=1")],
  ["lost its table", "LEASE_STORE_DAMAGED", ({ sql }) => sql("DROP TABLE lease")],
  ["lost its row", "LEASE_STORE_DAMAGED", ({ sql }) => sql("DELETE FROM lease")],
];

/** Nobody gets in, by any door, and the holder stops. */
async function expectError(place: LeasePlace, holder: Awaited<ReturnType<typeof leaseProcess>>, code: string): Promise<void> {
  const steps = place.join("steps");
  await expect(place.keeper.acquire({ owner: "second" })).rejects.toMatchObject({ code });
  await expect(place.keeper.acquire({ owner: "second", overReservation: true, wait: 50 })).rejects.toMatchObject({ code });
  await expect(place.keeper.inspect()).rejects.toMatchObject({ code });
  await expect(place.keeper.break()).rejects.toMatchObject({ code });
  await expect(place.keeper.reserve("second")).rejects.toMatchObject({ code });
  await expect(holder.check()).rejects.toMatchObject({ code });
  await expect(holder.fence(steps)).rejects.toMatchObject({ code });
}

describe("a store that", () => {
  it.each(DAMAGES)("%s is %s to a contender and to its holder, never free", async (_what, code, damage) => {
    await using place = leasePlace();
    await using holder = await leaseProcess(place);
    await holder.hold();
    damage(place);
    await expectError(place, holder, code);
    await expect(place.keeper.repair()).rejects.toMatchObject({ code: "LEASE_IN_USE", details: { pids: [holder.pid] } });
    await holder.kill();
    // Still nobody without a repair.
    await expect(place.keeper.acquire({ owner: "second" })).rejects.toMatchObject({ code });
    expect(await place.keeper.repair()).toBe("repaired");
    await (await place.hold()).lease.release();
  });

  it("was replaced by an older copy is LEASE_STORE_OLDER, and the holder's own generation is not given again", async () => {
    await using place = leasePlace();
    await (await place.hold()).lease.release();
    cpSync(place.join("lease", "lease.db"), place.join("copy"));
    await using holder = await leaseProcess(place);
    const { lease } = await holder.hold();
    cpSync(place.join("copy"), place.join("lease", "lease.db"));
    await expectError(place, holder, "LEASE_STORE_OLDER");
    await expect(place.keeper.repair()).rejects.toMatchObject({ code: "LEASE_IN_USE" });
    await holder.kill();
    expect(await place.keeper.repair()).toBe("repaired");
    const next = await place.hold();
    expect(next.lease.generation).toBeGreaterThan(lease.generation);
    await next.lease.release();
  });

  it("was moved aside whole for an older copy is not repaired while its holder lives", async () => {
    await using place = leasePlace();
    await (await place.hold()).lease.release();
    cpSync(place.join("lease", "lease.db"), place.join("copy.db"));
    await using holder = await leaseProcess(place);
    await holder.hold();
    renameSync(place.join("lease"), place.join("lease.aside"));
    mkdirSync(place.join("lease"));
    renameSync(place.join("copy.db"), place.join("lease", "lease.db"));
    await expectError(place, holder, "LEASE_STORE_OLDER");
    await expect(place.keeper.repair()).rejects.toMatchObject({ code: "LEASE_IN_USE", details: { pids: [holder.pid] } });
  });

  it("has another version is refused by name, and not repaired", async () => {
    await using place = leasePlace();
    await (await place.hold()).lease.release();
    place.sql("PRAGMA user_version=2");
    await expect(place.keeper.acquire({ owner: "second" })).rejects.toMatchObject({ code: "VERSION_UNSUPPORTED" });
    await expect(place.keeper.repair()).rejects.toMatchObject({ code: "VERSION_UNSUPPORTED" });
  });

  it.each([
    ["a file", (path: string) => writeFileSync(path, "")],
    ["a link", (path: string) => symlinkSync("/dev/null", path)],
    ["a folder", (path: string) => mkdirSync(path)],
  ])("has %s for a beacon is LEASE_STORE_DAMAGED, whether it is held or free", async (_what, put) => {
    await using place = leasePlace();
    await using holder = await leaseProcess(place);
    const taken = await holder.hold();
    rmSync(place.join("lease", "beacon-0"));
    put(place.join("lease", "beacon-0"));
    await expect(place.keeper.acquire({ owner: "second" })).rejects.toMatchObject({ code: "LEASE_STORE_DAMAGED" });
    await expect(place.keeper.repair()).rejects.toMatchObject({ code: "LEASE_IN_USE" });
    const before = openDescriptors();
    const token = taken.lease.environment.HOLDFAST_LEASE;
    await expect(place.keeper.acquire({ owner: "child", token })).rejects.toMatchObject({ code: "LEASE_STORE_DAMAGED" });
    expect(openDescriptors()).toBe(before);
    expect(await holder.release()).toBe("released");
    await expect(place.keeper.acquire({ owner: "second" })).rejects.toMatchObject({ code: "LEASE_STORE_DAMAGED" });
    expect(openDescriptors()).toBe(before);
    expect(await place.keeper.repair()).toBe("repaired");
    await (await place.hold()).lease.release();
  });

  it("lost all of its beacons keeps its holder by its process, and makes new ones for the next", async () => {
    await using place = leasePlace();
    await using holder = await leaseProcess(place);
    await holder.hold();
    for (const number of [0, 1, 2]) rmSync(place.join("lease", `beacon-${number}`));
    expect(await place.keeper.acquire({ owner: "second" })).toMatchObject({ outcome: "held" });
    await holder.kill();
    await (await place.hold()).lease.release();
  });

  it("was removed together with everything in the state folder begins anew, and the old holder's fence fails", async () => {
    await using place = leasePlace();
    await using holder = await leaseProcess(place);
    const { lease } = await holder.hold();
    rmSync(place.stateDir, { recursive: true });
    mkdirSync(place.stateDir);
    const next = await place.hold();
    expect(next.lease.generation).toBeGreaterThan(lease.generation);
    await expect(holder.fence(place.join("steps"))).rejects.toMatchObject({ code: "LEASE_LOST" });
    expect(await holder.release()).toBe("not-owner");
    await next.lease.check();
    await next.lease.release();
  });

  it("is locked by somebody else answers held and contended, never an error and never free", async () => {
    await using place = leasePlace();
    await (await place.hold()).lease.release();
    const database = new DatabaseSync(place.join("lease", "lease.db"));
    try {
      database.exec("BEGIN EXCLUSIVE");
      expect(await place.keeper.acquire({ owner: "second" })).toEqual({
        outcome: "held",
        holder: null,
        contended: true,
        reservedFor: null,
        foreignToken: false,
      });
      await using other = await leaseProcess(place);
      expect(await other.acquire()).toMatchObject({ outcome: "held", contended: true, holder: null });
      // One that can be read and not written to says who holds it, and is not free either.
      database.exec("ROLLBACK; BEGIN IMMEDIATE");
      expect(await place.keeper.acquire({ owner: "second" })).toMatchObject({ outcome: "held", holder: null, contended: true });
    } finally {
      database.close();
    }
    await (await place.hold()).lease.release();
  });

  it("is read by somebody at the moment of every commit answers held, and leaves no beacon lit", async () => {
    await using place = leasePlace();
    await (await place.hold()).lease.release();
    const database = new DatabaseSync(place.join("lease", "lease.db"));
    try {
      database.exec("BEGIN; SELECT * FROM lease");
      database.prepare("SELECT * FROM lease").all();
      expect(await place.keeper.acquire({ owner: "second" })).toMatchObject({ outcome: "held", holder: null, contended: true });
      const beacons = beaconsIn(place.join("lease"));
      expect(beacons.map((name) => askBeacon(place.join("lease"), name))).toEqual(["no-reader", "no-reader", "no-reader"]);
    } finally {
      database.close();
    }
    await (await place.hold()).lease.release();
  });

  it("is locked by somebody else who holds on for longer lets a release wait and then through", async () => {
    await using place = leasePlace();
    const { lease } = await place.hold();
    const database = new DatabaseSync(place.join("lease", "lease.db"));
    database.exec("BEGIN EXCLUSIVE");
    const released = lease.release();
    expect(await place.keeper.acquire({ owner: "second" })).toMatchObject({ outcome: "held", contended: true });
    database.close();
    expect(await released).toBe("released");
  });
});
