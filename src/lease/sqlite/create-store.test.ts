import { execFileSync } from "node:child_process";
import { closeSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { describe, expect, it, type TestContext } from "vitest";
import { leasePlace } from "../../../test/support/lease-place.ts";
import { leaseProcess } from "../../../test/support/lease-process.ts";
import { temporaryFolder } from "../../../test/support/temporary-folder.ts";
import { sqliteLease } from "../index.ts";
import { askBeacon, beaconsIn, lightBeacon, makeBeacons, nextBeacon } from "./beacon.ts";
import { buildStore, ensureStore } from "./create-store.ts";
import { refuseRemoteFolder, storePlace } from "./store.ts";
import { bearWitness, readWitness } from "./witness.ts";

describe("ensureStore()", () => {
  it("makes one store of four first creations at once, and leaves nothing unfinished", async () => {
    await using place = leasePlace();
    const all = await Promise.all([1, 2, 3, 4].map(async () => await leaseProcess(place)));
    try {
      const answers = await Promise.all(all.map(async (one) => await one.acquire()));
      expect(answers.map(({ outcome }) => outcome).toSorted()).toEqual(["acquired", "held", "held", "held"]);
      expect(readdirSync(place.stateDir).toSorted()).toEqual(["lease", "lease-generation"]);
      expect(readdirSync(place.join("lease")).toSorted()).toEqual(["beacon-0", "beacon-1", "beacon-2", "lease.db"]);
    } finally {
      await Promise.all(all.map(async (one) => await one[Symbol.asyncDispose]()));
    }
  });

  it("gives what only its owner can enter, and numbers from the clock on", async () => {
    await using place = leasePlace();
    const before = Date.now();
    const { lease } = await place.hold();
    expect(lease.generation).toBeGreaterThan(before);
    expect(statSync(place.join("lease")).mode & 0o777).toBe(0o700);
    for (const name of beaconsIn(place.join("lease"))) expect(statSync(place.join("lease", name)).mode & 0o777).toBe(0o600);
    expect(place.row()["state"]).toBe("held");
    await lease.release();
  });

  it("does not take the place of one that is there", async () => {
    await using place = leasePlace();
    await (await place.hold()).lease.release();
    const { generation } = place.row();
    expect(buildStore(storePlace(place.stateDir), 1)).toBe(false);
    expect(place.row()["generation"]).toBe(generation);
    expect(readdirSync(place.stateDir).filter((name) => name.startsWith("lease.new-"))).toEqual([]);
  });

  it("refuses where there was one, by what stands beside it, also when that was cut off", async () => {
    await using place = leasePlace();
    await (await place.hold()).lease.release();
    rmSync(place.join("lease"), { recursive: true });
    for (const content of [readFileSync(place.join("lease-generation"), "utf8"), "", "not a number"]) {
      writeFileSync(place.join("lease-generation"), content);
      expect(() => ensureStore(storePlace(place.stateDir))).toThrow(expect.objectContaining({ code: "LEASE_STORE_MISSING" }));
    }
    rmSync(place.join("lease-generation"));
    ensureStore(storePlace(place.stateDir));
    await (await place.hold()).lease.release();
  });
});

describe("bearWitness()", () => {
  it("only grows, and follows every generation", async () => {
    await using place = leasePlace();
    const { lease } = await place.hold();
    const path = place.join("lease-generation");
    expect(readWitness(path)).toBe(lease.generation);
    bearWitness(path, 5);
    expect(readWitness(path)).toBe(lease.generation);
    await place.keeper.break();
    expect(readWitness(path)).toBe(lease.generation + 1);
    expect(readdirSync(place.stateDir).toSorted()).toEqual(["lease", "lease-generation"]);
  });
});

describe("makeBeacons()", () => {
  it("fails with LEASE_BEACON_UNAVAILABLE where the command is missing or fails, and a store is not half made", () => {
    using folder = temporaryFolder();
    expect(() => makeBeacons(folder.path, ["beacon-0"], "no-such-mkfifo")).toThrow(
      expect.objectContaining({ code: "LEASE_BEACON_UNAVAILABLE", message: expect.stringContaining("ENOENT") }),
    );
    expect(() => makeBeacons(folder.join("nowhere"), ["beacon-0"])).toThrow(expect.objectContaining({ code: "LEASE_BEACON_UNAVAILABLE" }));
    makeBeacons(folder.path, ["beacon-0"]);
    // Somebody else was first: what is there is what was asked for.
    makeBeacons(folder.path, ["beacon-0"]);
    expect(beaconsIn(folder.path)).toEqual(["beacon-0"]);
  });

  it("fails so through the keeper in an environment without it, and nobody holds anything", async () => {
    await using place = leasePlace();
    using empty = temporaryFolder();
    await using without = await leaseProcess({ ...place, env: { PATH: empty.path } });
    await expect(without.acquire()).rejects.toMatchObject({ code: "LEASE_BEACON_UNAVAILABLE" });
    expect(readdirSync(place.stateDir)).toEqual([]);
    // Another makes the store; then it can be used there as well.
    await (await place.hold()).lease.release();
    await without.hold();
    expect(await without.release()).toBe("released");
  });
});

describe("askBeacon()", () => {
  it("tells a reader from none and from a pipe that is gone, and a pipe keeps its answer for the next who asks", () => {
    using folder = temporaryFolder();
    makeBeacons(folder.path, ["beacon-0", "beacon-10", "beacon-9"]);
    expect(beaconsIn(folder.path)).toEqual(["beacon-0", "beacon-9", "beacon-10"]);
    expect(nextBeacon(beaconsIn(folder.path))).toBe("beacon-11");
    expect(nextBeacon([])).toBe("beacon-0");
    expect(askBeacon(folder.path, "beacon-0")).toBe("no-reader");
    const descriptor = lightBeacon(folder.path, "beacon-0");
    expect([1, 2, 3].map(() => askBeacon(folder.path, "beacon-0"))).toEqual(["reader", "reader", "reader"]);
    closeSync(descriptor);
    expect(askBeacon(folder.path, "beacon-0")).toBe("no-reader");
    expect(askBeacon(folder.path, "beacon-1")).toBe("gone");
    mkdirSync(folder.join("beacon-2"));
    expect(() => askBeacon(folder.path, "beacon-2")).toThrow(expect.objectContaining({ code: "LEASE_STORE_DAMAGED" }));
    expect(() => lightBeacon(folder.path, "beacon-1")).toThrow(expect.objectContaining({ code: "LEASE_STORE_DAMAGED" }));
  });
});

describe("refuseRemoteFolder()", () => {
  it.each([
    ["NFS", 0x6969],
    ["CIFS", 0xff534d42],
    ["SMB2", 0xfe534d42],
    ["9p", 0x01021997],
    ["FUSE", 0x65735546],
    ["Ceph", 0x00c36400],
    ["Lustre", 0x0bd00bd3],
  ])("names %s and the way out", (name, type) => {
    expect(() => refuseRemoteFolder("/anywhere", () => ({ type }))).toThrow(
      expect.objectContaining({
        code: "FILE_SYSTEM_UNSUPPORTED",
        message: expect.stringContaining(`on ${name}`),
        hint: expect.stringContaining("named volume"),
      }),
    );
    refuseRemoteFolder("/anywhere", () => ({ type: 0xef53 }));
  });

  it("keeps a lease off a real FUSE mount", async (test) => {
    using folder = temporaryFolder();
    mkdirSync(folder.join("real"));
    mkdirSync(folder.join("seen"));
    using mounted = bindfs(folder.join("real"), folder.join("seen"), test);
    expect(mounted).toBeDefined();
    await using keeper = sqliteLease({ stateDir: folder.join("seen", "state"), blocking: true });
    await expect(keeper.acquire({ owner: "test" })).rejects.toMatchObject({ code: "FILE_SYSTEM_UNSUPPORTED" });
    await using real = sqliteLease({ stateDir: folder.join("real", "state"), blocking: true });
    const answer = await real.acquire({ owner: "test" });
    expect(answer.outcome).toBe("acquired");
    // One that is there already is not joined from the other side either.
    await expect(keeper.acquire({ owner: "test" })).rejects.toMatchObject({ code: "FILE_SYSTEM_UNSUPPORTED" });
    if (answer.outcome !== "held") await answer.lease.release();
  });
});

describe("sqliteLease()", () => {
  it.each(["darwin", "win32"] as const)("is not claimed to work on %s", (platform) => {
    expect(() => sqliteLease({ stateDir: "/anywhere", blocking: true, platform })).toThrow(
      expect.objectContaining({ code: "LEASE_UNSUPPORTED_PLATFORM" }),
    );
  });
});

function bindfs(source: string, target: string, test: Pick<TestContext, "skip">): Disposable {
  try {
    execFileSync("bindfs", ["--no-allow-other", source, target], { stdio: "pipe" });
  } catch (error) {
    const reason = `no FUSE mount can be made here: ${error instanceof Error ? error.message.trim() : String(error)}`;
    console.warn(`SKIPPED: ${reason}`);
    test.skip(reason);
    throw error;
  }
  return { [Symbol.dispose]: () => execFileSync("umount", ["--lazy", target], { stdio: "pipe" }) };
}
