import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { LeaseView } from "../../src/lease/index.ts";
import { documentOf, failureOf, makeInstance, type Instance } from "../support/instance.ts";
import { leaseProcess } from "../support/lease-process.ts";
import type { StressReport } from "../support/lease-stress-report.ts";
import { stressLease } from "../support/lease-stress.ts";
import { runProgram } from "../support/run-program.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

/** The soak tier goes on for minutes. */
describe("sqliteLease(), wanted by eight processes that are killed and stopped at random", () => {
  it("is held by one at a time, whatever happens to holders, parents and children, and is free in the end", async () => {
    const report = await stressLease({ seconds: 10 });
    expect(report.faults(), report.summary()).toEqual([]);
  });

  it("lets nobody commit whose lease was broken, and steps come in the order of their generations", async () => {
    const report = await stressLease({ seconds: 6, breaks: true });
    expect(report.faults(), report.summary()).toEqual([]);
  });

  it("is held by one at a time across namespaces of processes", async (test) => {
    const probe = await runProgram(["unshare", "--pid", "--fork", "--mount-proc", "true"]).catch(() => null);
    if (probe?.exitCode !== 0) {
      console.warn("SKIPPED: no namespace of processes can be made here");
      test.skip("no namespace of processes can be made here");
    }
    const report = await stressLease({ seconds: 5, namespaces: true });
    expect(report.faults(), report.summary()).toEqual([]);
  });
});

describe("the oracle of the stress", () => {
  it("sees two at work where a lease goes by its holder alone, and not by what he started", async () => {
    const report = await stressLease({ seconds: 120, wrong: "orphans", until: ({ overlaps }) => overlaps.body.length > 0 });
    expect(report.overlaps.body.length, report.summary()).toBeGreaterThan(0);
    expect(report.faults()).not.toEqual([]);
    expect(report.survivors).toBe(0);
  });

  it("sees a step that comes too late where one looks first and acts then, without a fence", async () => {
    const tooLate = (report: StressReport): number => report.disorder() + report.overlaps.step.length;
    const report = await stressLease({ seconds: 120, breaks: true, wrong: "unfenced", until: (soFar) => tooLate(soFar) > 0 });
    expect(tooLate(report), report.summary()).toBeGreaterThan(0);
    expect(report.faults()).not.toEqual([]);
    expect(report.survivors).toBe(0);
  });
});

function instanceIn(folder: string): Instance & { readonly stateDir: string } {
  writeFileSync(`${folder}/main.txt`, "main");
  return { ...makeInstance(folder, "  main: { path: main.txt }"), stateDir: `${folder}/.holdfast` };
}

describe.each([
  ["in its own thread", false],
  ["in a thread for the store", true],
])("a holder that was stopped, %s", (_where, thread) => {
  it("commits nothing once `holdfast lease break --yes` has let another in, however far it was", async () => {
    using folder = temporaryFolder();
    const { run, stateDir } = instanceIn(folder.path);
    const steps = folder.join("steps");
    await using holder = await leaseProcess({ stateDir, thread });
    const { lease } = await holder.hold({ owner: "stuck" });
    await holder.fence(steps);
    holder.stop();
    // It is what it does first when it goes on.
    const late = holder.fence(steps).catch((error: unknown) => error);

    const broken = documentOf<{ outcome: string; before: LeaseView; survivors: readonly { pid: number }[] }>(
      await run("lease", "break", "--yes", "--json"),
      0,
    );
    expect(broken).toMatchObject({ outcome: "broken", before: { owner: "stuck", generation: lease.generation } });
    expect(broken.survivors.map(({ pid }) => pid)).toContain(holder.pid);
    await using other = await leaseProcess({ stateDir, thread });
    const next = await other.hold();
    expect(next.lease.generation).toBeGreaterThan(lease.generation);
    await other.fence(steps);

    holder.resume();
    expect(await late).toMatchObject({ code: "LEASE_LOST" });
    expect(readFileSync(steps, "utf8")).toBe("step\nstep\n");
    await expect(holder.check()).rejects.toMatchObject({ code: "LEASE_LOST" });
    expect(await holder.release()).toBe("not-owner");
    await other.check();
    await other.fence(steps);
    expect(await other.release()).toBe("released");
  });

  it("inside a fence cannot be broken: `holdfast lease break --yes` exits with 1 and LEASE_FENCED, and a kill frees the lease", async () => {
    using folder = temporaryFolder();
    const { run, stateDir } = instanceIn(folder.path);
    await using holder = await leaseProcess({ stateDir, thread });
    const { lease } = await holder.hold({ owner: "stuck" });
    await holder.enter("swap");
    holder.stop();
    const refused = failureOf(await run("lease", "break", "--yes", "--json"), 1);
    expect(refused).toMatchObject({ code: "LEASE_FENCED", details: { label: "swap", pid: holder.pid } });
    expect(refused.hint).toContain(`kill -KILL ${holder.pid}`);
    const status = documentOf<{ lease: LeaseView }>(await run("lease", "status", "--json"), 0);
    expect(status.lease).toMatchObject({ state: "held", owner: "stuck", fence: "swap", generation: lease.generation });
    expect((await run("lease", "run", "--owner", "next", "--", "true")).exitCode).toBe(5);
    await holder.kill();
    expect((await run("lease", "run", "--owner", "next", "--", "true")).exitCode).toBe(0);
  });
});

describe("a parent that was killed while its child works", () => {
  it.each(["descriptor", "group", "environment"] as const)(
    "lets nobody in until the child is gone, which is found by its %s alone",
    async (how) => {
      using folder = temporaryFolder();
      const { run, stateDir } = instanceIn(folder.path);
      await using parent = await leaseProcess({ stateDir });
      await parent.hold({ owner: "parent" });
      const child = await parent.start(how);
      await parent.kill();
      expect((await run("lease", "run", "--owner", "next", "--", "touch", folder.join("in"))).exitCode).toBe(5);
      expect(existsSync(folder.join("in"))).toBe(false);
      await child.kill();
      expect((await run("lease", "run", "--owner", "next", "--", "touch", folder.join("in"))).exitCode).toBe(0);
      expect(existsSync(folder.join("in"))).toBe(true);
    },
  );
});
