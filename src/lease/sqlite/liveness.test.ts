import { execFileSync, spawn } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { describe, expect, it, type TestContext } from "vitest";
import { leasePlace } from "../../../test/support/lease-place.ts";
import { leaseProcess, type LeaseProcess } from "../../../test/support/lease-process.ts";
import { lookAtProcess, pidNamespace, processesWithVariable } from "../../kernel/index.ts";
import { askBeacon, type BeaconAnswer } from "./beacon.ts";

/** Long enough for a killed process to be gone, of which this process is no parent. */
const SOON = 30_000;

/** Becomes a program that never waits for the children that it inherits with its place. */
const NEGLIGENT_PARENT = ["sh", "-c", 'exec 3<&0; "$@" <&3 3<&- & exec sleep 600 3<&- <&- >&-', "sh"];
const OTHER_NAMESPACE = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"];

function needNamespaces(test: Pick<TestContext, "skip">): void {
  try {
    execFileSync("unshare", ["--pid", "--fork", "--mount-proc", "true"], { stdio: "pipe" });
  } catch (error) {
    console.warn(`SKIPPED: no namespace of processes can be made here: ${String(error)}`);
    test.skip("no namespace of processes can be made here");
  }
}

function beaconOf(place: ReturnType<typeof leasePlace>): BeaconAnswer {
  return askBeacon(place.join("lease"), String(place.row()["beacon"]));
}

async function expectHeld(place: ReturnType<typeof leasePlace>): Promise<void> {
  expect(await place.keeper.acquire({ owner: "next" })).toMatchObject({ outcome: "held", contended: false });
}

describe("isAlive()", () => {
  it("takes a holder for dead at once that was killed", async () => {
    await using place = leasePlace();
    await using holder = await leaseProcess(place);
    const { lease } = await holder.hold();
    await expectHeld(place);
    await holder.kill();
    const next = await place.hold();
    expect(next).toMatchObject({ outcome: "acquired", afterDeadHolder: true });
    expect(next.lease.generation).toBe(lease.generation + 1);
    await next.lease.release();
  });

  it("takes a holder for dead whose parent does not wait for it, although its number is still there", async () => {
    await using place = leasePlace();
    await using holder = await leaseProcess({ ...place, before: NEGLIGENT_PARENT });
    await holder.hold();
    process.kill(holder.pid, "SIGKILL");
    const next = await place.hold({ wait: SOON });
    expect(next.afterDeadHolder).toBe(true);
    expect(lookAtProcess(holder.pid)).toMatchObject({ ended: true });
    expect(() => process.kill(holder.pid, 0)).not.toThrow();
    await next.lease.release();
  });

  it.each([
    // Nobody can be seen; only the pipe says that somebody is there.
    { how: "descriptor", beacon: "reader", role: undefined },
    { how: "group", beacon: "no-reader", role: "child" },
    { how: "environment", beacon: "no-reader", role: "environment" },
  ] as const)("a holder that was killed holds on while a process lives that is found by its $how alone", async ({ how, beacon, role }) => {
    await using place = leasePlace();
    await using holder = await leaseProcess(place);
    await holder.hold();
    const child = await holder.start(how);
    await holder.kill();
    expect(beaconOf(place)).toBe(beacon);
    const view = await place.keeper.inspect();
    expect(view).toMatchObject({ stored: "held", state: "held" });
    expect(view?.alive.map((one) => one.role)).toEqual(role === undefined ? [] : [role]);
    await expectHeld(place);
    await child.kill();
    const next = await place.hold();
    expect(next.afterDeadHolder).toBe(true);
    await next.lease.release();
  });

  it("a holder that was killed holds on while an independent grandchild lives, and one that released does not", async () => {
    await using place = leasePlace();
    await using first = await leaseProcess(place);
    await first.hold();
    await first.start("daemon");
    expect(await first.release()).toBe("released");
    // It has the first one's beacon, so that the second one gets another.
    const { lease } = await place.hold();
    expect(place.row()["beacon"]).toBe("beacon-1");
    await lease.release();

    await using second = await leaseProcess(place);
    await second.hold();
    const grandchild = await second.start("daemon");
    await second.kill();
    await expectHeld(place);
    await grandchild.kill();
    await (await place.hold()).lease.release();
  });

  it("a joined process is a living member until it ends, with its beacon and without", async () => {
    await using place = leasePlace();
    await using holder = await leaseProcess(place);
    const { lease } = await holder.hold();
    await using joiner = await leaseProcess(place);
    expect((await joiner.hold({ token: lease.environment.HOLDFAST_LEASE })).outcome).toBe("inherited");
    await holder.kill();
    await expectHeld(place);
    rmSync(place.join("lease", "beacon-0"));
    await expectHeld(place);
    await joiner.check();
    await joiner.kill();
    await (await place.hold()).lease.release();
  });

  it("a number that was given to another process since is not the holder", async () => {
    await using place = leasePlace();
    await using holder = await leaseProcess(place);
    await holder.hold();
    await holder.kill();
    place.sql(`UPDATE lease SET pid=${process.pid}`);
    expect((await place.keeper.inspect())?.state).toBe("free");
    await (await place.hold()).lease.release();
    // It is the start time that tells them apart.
    await using again = await leaseProcess(place);
    await again.hold();
    await again.kill();
    place.sql(`UPDATE lease SET pid=${process.pid}, start='${lookAtProcess(process.pid)?.start}'`);
    await expectHeld(place);
  });

  describe("in another namespace of processes", () => {
    async function holderElsewhere(place: ReturnType<typeof leasePlace>, test: Pick<TestContext, "skip">): Promise<LeaseProcess> {
      needNamespaces(test);
      const holder = await leaseProcess({ ...place, before: OTHER_NAMESPACE });
      await holder.hold();
      expect(holder.pid).toBe(1);
      expect(place.row()).toMatchObject({ pid: 1 });
      expect(place.row()["pid_ns"]).not.toBe(pidNamespace());
      return holder;
    }

    it("the beacon decides, and a process with the same number does not", async (test) => {
      await using place = leasePlace();
      await using holder = await holderElsewhere(place, test);
      await expectHeld(place);
      await holder.kill();
      // The very number and start time of a process that is alive here.
      place.sql(`UPDATE lease SET start='${lookAtProcess(1)?.start}'`);
      expect(await place.keeper.inspect()).toMatchObject({ stored: "held", state: "free" });
      const before = place.row();
      place.sql(`UPDATE lease SET pid_ns='${pidNamespace()}'`);
      await expectHeld(place);
      place.sql(`UPDATE lease SET pid_ns='${String(before["pid_ns"])}'`);
      const next = await place.hold({ wait: SOON });
      expect(next.afterDeadHolder).toBe(true);
      await next.lease.release();
    });

    it("nothing decides when the beacon is gone: that is an error and not free", async (test) => {
      await using place = leasePlace();
      await using holder = await holderElsewhere(place, test);
      rmSync(place.join("lease", "beacon-0"));
      await expect(place.keeper.acquire({ owner: "next" })).rejects.toMatchObject({ code: "LEASE_STORE_DAMAGED" });
      await expect(place.keeper.repair()).rejects.toMatchObject({ code: "LEASE_IN_USE" });
      await holder.kill();
      expect(await place.keeper.repair()).toBe("repaired");
      await (await place.hold()).lease.release();
    });
  });
});

describe("a process whose first thread has ended", () => {
  it("is alive while another thread works, and its environment still tells of the lease", async () => {
    const program = [
      "import ctypes, os, sys, threading, time",
      "threading.Thread(target=lambda: (print('working', flush=True), time.sleep(600))).start()",
      "time.sleep(0.1)",
      "ctypes.CDLL(None).syscall(60, 0)",
    ].join("\n");
    const child = spawn("python3", ["-c", program], {
      env: { ...process.env, THREADED: "yes-it-is" },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const pid = child.pid ?? 0;
    try {
      // The first thread is a zombie as soon as it has left: then the kernel says Z of the process.
      while (!readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z")) await new Promise((resolve) => setTimeout(resolve, 20));
      expect(lookAtProcess(pid)).toMatchObject({ ended: false });
      expect(processesWithVariable("THREADED", "yes-it-is")).toContain(pid);
    } finally {
      child.kill("SIGKILL");
      await new Promise((resolve) => child.once("exit", resolve));
    }
    expect(lookAtProcess(pid)?.ended ?? true).toBe(true);
  });
});
