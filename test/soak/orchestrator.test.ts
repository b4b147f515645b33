import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { SOAK_BODY, soakEvents, type SoakKind } from "../support/daemon-soak-body.ts";
import { SoakReport } from "../support/daemon-soak-report.ts";
import { SOAK_CADENCES } from "../support/daemon-soak-stage.ts";
import { soakOrchestrator } from "../support/daemon-soak.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const SECONDS = Number(process.env["SOAK_ORCHESTRATOR_SECONDS"] ?? 600);

describe("two daemons on one state folder, and scripts under `lease run`, that are killed at random", () => {
  it(`for ${SECONDS} s: one heavy job at a time, each task once per cadence, nobody starves unseen, and the lease is free in the end`, async () => {
    const report = await soakOrchestrator({ seconds: SECONDS });
    console.log(report.summary());
    expect(report.flaws(SOAK_CADENCES)).toEqual({});
    expect(report.lacks()).toEqual([]);
  });
});

describe("the oracle of the soak", () => {
  it("sees somebody who does heavy work without the lease", async () => {
    const report = await soakOrchestrator({ seconds: 120, cheater: true, until: (soFar) => soFar.overlaps().length > 0 });
    console.log(report.summary());
    expect(report.overlaps().length).toBeGreaterThan(0);
  });

  it("sees two of one task at once, two at work, one lease twice, and what has a token too many or too few", async () => {
    using folder = temporaryFolder();
    writeFileSync(folder.join("body.py"), SOAK_BODY);
    writeFileSync(folder.join("lease-generation"), "7\n");
    const run = async (kind: SoakKind, task: string, token: boolean): Promise<void> => {
      const { HOLDFAST_LEASE: _, ...env } = process.env;
      const child = spawn("python3", [folder.join("body.py"), folder.path, folder.path, kind, task, ""], {
        env: token ? { ...env, HOLDFAST_LEASE: "0123456789ab-token" } : env,
        stdio: "ignore",
      });
      await once(child, "exit");
    };
    const service = spawn("python3", [folder.join("body.py"), folder.path, folder.path, "service", "service", ""], { stdio: "ignore" });
    try {
      await expect.poll(() => soakEvents(folder.join("log")).length, { timeout: 30_000, interval: 5 }).toBe(1);
      // The hog is at work for seconds.
      const hog = run("script", "hog", true);
      await expect.poll(() => soakEvents(folder.join("log")).length, { timeout: 30_000, interval: 5 }).toBe(2);
      await Promise.all([run("light", "service", true), run("heavy", "kbSync", false)]);
      await hog;
    } finally {
      service.kill("SIGKILL");
      await once(service, "exit");
    }
    const report = new SoakReport();
    report.events = soakEvents(folder.join("log"));
    expect(report.overlaps().map(({ task }) => task)).toEqual(["kbSync"]);
    expect(report.of("twice").map(({ task }) => task)).toEqual(["service"]);
    expect(report.backward().map(({ task }) => task)).toEqual(["kbSync"]);
    expect(
      report
        .wrongTokens()
        .map(({ task }) => task)
        .toSorted(),
    ).toEqual(["kbSync", "service"]);
  });
});
