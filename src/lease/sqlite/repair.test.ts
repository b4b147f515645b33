import { closeSync, constants, existsSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { leasePlace, type LeasePlace } from "../../../test/support/lease-place.ts";
import { leaseProcess } from "../../../test/support/lease-process.ts";

function junk({ join }: LeasePlace): void {
  writeFileSync(join("lease", "lease.db"), "junk ".repeat(4000));
}

/** A store that was used, and its last generation. */
async function usedPlace(): Promise<LeasePlace & { readonly generation: number }> {
  const place = leasePlace();
  const { lease } = await place.hold();
  await lease.release();
  return { ...place, generation: lease.generation };
}

describe("LeaseKeeper.repair()", () => {
  it("leaves a sound store as it is, held or free, and makes none where there never was one", async () => {
    await using place = leasePlace();
    expect(await place.keeper.inspect()).toBeNull();
    await (await place.hold()).lease.release();
    const before = readFileSync(place.join("lease", "lease.db"));
    expect(await place.keeper.repair()).toBe("sound");
    const { lease } = await place.hold();
    expect(await place.keeper.repair()).toBe("sound");
    await lease.check();
    await lease.release();
    expect(readFileSync(place.join("lease", "lease.db")).length).toBe(before.length);
  });

  it("makes a store anew above every generation that was seen, and keeps one copy of what was there", async () => {
    await using place = await usedPlace();
    let seen = place.generation;
    for (const _ of [1, 2]) {
      // A clock that was set back does not matter.
      writeFileSync(place.join("lease-generation"), `${Date.now() + 1e9 + seen}\n`);
      seen = Date.now() + 1e9 + seen;
      junk(place);
      expect(await place.keeper.repair()).toBe("repaired");
      const { lease } = await place.hold();
      expect(lease.generation).toBeGreaterThan(seen - 1000);
      await lease.release();
      seen = lease.generation;
    }
    expect(readdirSync(place.stateDir).filter((name) => name.startsWith("lease.broken-"))).toHaveLength(1);
  });

  it("is refused while a beacon has a reader, whoever that is", async () => {
    await using place = await usedPlace();
    junk(place);
    const reader = openSync(place.join("lease", "beacon-2"), constants.O_RDONLY | constants.O_NONBLOCK);
    await expect(place.keeper.repair()).rejects.toMatchObject({
      code: "LEASE_IN_USE",
      details: { beacons: ["beacon-2"], pids: [process.pid] },
    });
    closeSync(reader);
    expect(await place.keeper.repair()).toBe("repaired");
  });

  it("is refused to a process that holds the lease itself, also when its store is gone", async () => {
    await using place = leasePlace();
    const { lease } = await place.hold();
    rmSync(place.join("lease"), { recursive: true });
    await expect(place.keeper.repair()).rejects.toMatchObject({ code: "LEASE_IN_USE", details: { pids: [process.pid] } });
    await expect(lease.release()).rejects.toMatchObject({ code: "LEASE_STORE_MISSING" });
    expect(await place.keeper.repair()).toBe("repaired");
  });

  it("is refused while a process has a removed beacon open that it inherited", async () => {
    await using place = leasePlace();
    await using holder = await leaseProcess(place);
    await holder.hold();
    const child = await holder.start("descriptor");
    await holder.kill();
    rmSync(place.join("lease"), { recursive: true });
    await expect(place.keeper.repair()).rejects.toMatchObject({ code: "LEASE_IN_USE", details: { pids: [child.pid], beacons: [] } });
    await child.kill();
    expect(await place.keeper.repair()).toBe("repaired");
  });

  it("is refused while a token of this store is in the environment of somebody, and not for another store's", async () => {
    await using place = leasePlace();
    await using holder = await leaseProcess(place);
    await holder.hold();
    const child = await holder.start("environment");
    await holder.kill();
    junk(place);
    await using elsewhere = await usedPlace();
    junk(elsewhere);
    await expect(place.keeper.repair()).rejects.toMatchObject({ code: "LEASE_IN_USE", details: { pids: [child.pid], beacons: [] } });
    expect(await elsewhere.keeper.repair()).toBe("repaired");
    await child.kill();
    expect(await place.keeper.repair()).toBe("repaired");
  });

  it("is not refused for somebody who only asks for the lease, and has its database open", async () => {
    await using place = await usedPlace();
    const asking = spawn("sleep", ["600"], { stdio: ["ignore", "ignore", "ignore", openSync(place.join("lease", "lease.db"), "r")] });
    await once(asking, "spawn");
    junk(place);
    expect(await place.keeper.repair()).toBe("repaired");
    asking.kill("SIGKILL");
    await once(asking, "close");
  });

  it("by two at once repairs once, and does not undo what was taken in between", async () => {
    await using place = await usedPlace();
    await using one = await leaseProcess(place);
    await using two = await leaseProcess(place);
    junk(place);
    const answers = await Promise.all([one.repair(), two.repair()]);
    expect(answers.toSorted()).toEqual(["repaired", "sound"]);
    const { lease } = await place.hold();
    expect(await one.repair()).toBe("sound");
    await lease.check();
    await lease.release();
  });

  it("leaves no lock behind that keeps the next one waiting", async () => {
    await using place = await usedPlace();
    junk(place);
    await using one = await leaseProcess(place);
    expect(await one.repair()).toBe("repaired");
    await one.kill();
    rmSync(place.join("lease", "lease.db"));
    expect(await place.keeper.repair()).toBe("repaired");
    expect(existsSync(place.join("lease", "lease.db"))).toBe(true);
  });
});
