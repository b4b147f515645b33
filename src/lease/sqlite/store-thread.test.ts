import { describe, expect, it } from "vitest";
import { leasePlace } from "../../../test/support/lease-place.ts";
import { leaseProcess } from "../../../test/support/lease-process.ts";
import { runProgram } from "../../../test/support/run-program.ts";
import { askBeacon } from "./beacon.ts";
import { sqliteLease } from "./sqlite-lease.ts";

describe("a lease whose store has a thread of its own", () => {
  it("is held by the process: the end of the thread does not close its beacon, and the end of the process does", async () => {
    await using place = leasePlace();
    await using holder = await leaseProcess({ ...place, thread: true });
    await holder.hold();
    const child = await holder.start("environment");
    await child.kill();
    await holder.close();
    expect(askBeacon(place.join("lease"), "beacon-0")).toBe("reader");
    expect(await place.keeper.acquire({ owner: "next" })).toMatchObject({ outcome: "held" });
    await expect(holder.check()).rejects.toMatchObject({ code: "INTERNAL" });
    expect(await place.keeper.acquire({ owner: "next" })).toMatchObject({ outcome: "held" });
    await holder.kill();
    expect((await place.hold()).afterDeadHolder).toBe(true);
  });

  it("closes its descriptor once with its release, and fences as another does", async () => {
    await using place = leasePlace();
    await using holder = await leaseProcess({ ...place, thread: true });
    await holder.hold();
    await holder.release();
    const before = await holder.descriptors();
    await holder.hold();
    expect(await holder.descriptors()).toBe(before + 1);
    await holder.enter("commit");
    await expect(place.keeper.break()).rejects.toMatchObject({ code: "LEASE_FENCED", details: { label: "commit", pid: holder.pid } });
    await holder.leave();
    expect(await place.keeper.break()).toMatchObject({ outcome: "broken" });
    await expect(holder.fence(place.join("steps"))).rejects.toMatchObject({
      code: "LEASE_LOST",
      details: { generation: expect.any(Number) },
    });
    expect(await holder.release()).toBe("missing");
    expect(await holder.descriptors()).toBe(before);
  });

  it("gives errors of the store their own code and class", async () => {
    await using place = leasePlace({ blocking: false });
    await (await place.hold()).lease.release();
    place.sql("PRAGMA application_id=1");
    const failure = await place.keeper.acquire({ owner: "test" }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ name: "HostError", code: "LEASE_STORE_DAMAGED", hint: expect.stringContaining("lease repair") });
  });

  it("lets the process end that has nothing else to do", async () => {
    const program = `
      import { sqliteLease } from ${JSON.stringify(new URL("../index.ts", import.meta.url).href)};
      const keeper = sqliteLease({ stateDir: process.argv[1], blocking: false });
      const { lease } = await keeper.acquire({ owner: "script" });
      await lease.check();
      console.log("held");`;
    await using place = leasePlace();
    const result = await runProgram([process.execPath, "--input-type=module", "-e", program, place.stateDir]);
    expect(result).toMatchObject({ exitCode: 0, stdout: "held\n" });
    expect((await place.hold()).afterDeadHolder).toBe(true);
  });

  it("gives back what was being taken when its keeper is closed", async () => {
    await using place = leasePlace();
    for (let n = 0; n < 10; n += 1) {
      const keeper = sqliteLease({ stateDir: place.stateDir, blocking: false });
      const attempt = keeper.acquire({ owner: "late" });
      attempt.catch(() => {});
      await keeper[Symbol.asyncDispose]();
      await expect(attempt).rejects.toMatchObject({ code: "INTERRUPTED" });
    }
    expect(await place.keeper.acquire({ owner: "next" })).toMatchObject({ outcome: "acquired" });
  });

  it("lets a child in that asked while its parent was inside a fence, and does not call its token foreign", async () => {
    await using place = leasePlace();
    await using other = sqliteLease({ stateDir: place.stateDir, blocking: false });
    const held = await place.keeper.acquire({ owner: "parent" });
    if (held.outcome === "held") throw new Error("somebody else holds it");
    const token = held.lease.environment.HOLDFAST_LEASE;
    let joining: ReturnType<typeof other.acquire> | undefined;
    await held.lease.fence("a long step", async () => {
      joining = other.acquire({ owner: "child", token });
      // Longer than an answer to anybody else may take.
      await new Promise((resolve) => setTimeout(resolve, 400));
    });
    expect(await joining).toMatchObject({ outcome: "inherited", foreignToken: false });
  });
});
