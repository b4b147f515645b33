import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { orchestratorProcess } from "../../test/support/orchestrator-process.ts";
import { taskStage, type TaskStage } from "../../test/support/task-stage.ts";
import { isRunning, processesOfGroup } from "../kernel/index.ts";
import { Services, type ServiceParts } from "./kept-services.ts";
import type { Service } from "./task.ts";

function service(script: string, more: Partial<Service> = {}): Service {
  return { name: "chroma", label: "chroma daemon", argv: ["sh", "-c", script], ready: null, ...more };
}

function servicesOf(stage: TaskStage, services: readonly Service[], more: Partial<ServiceParts> = {}): Services {
  const { ledger, presence, clock, log, stateDir, cwd, env } = stage.parts([]);
  return new Services({ services, ledger, presence, clock, log, stateDir, cwd, env, grace: 2000, awaitReady: async () => null, ...more });
}

/** Polls until so many starts were made. */
async function startsOf(stage: TaskStage, services: Services, count: number): Promise<void> {
  await expect
    .poll(
      async () => {
        await services.poll();
        return stage.starts("chroma");
      },
      { timeout: 30_000, interval: 20 },
    )
    .toBe(count);
}

const STAYING = "echo start >> chroma.starts; exec sleep 600";
const FALLING = "echo start >> chroma.starts; exit 3";

describe("Services.poll()", () => {
  it("starts what does not run, once, writes it down, and close() ends its whole group", async () => {
    await using stage = taskStage();
    const services = servicesOf(stage, [service("trap '' HUP; sleep 600 & echo start >> chroma.starts; wait")]);
    await services.poll();
    await stage.made("chroma.starts");
    for (let poll = 0; poll < 5; poll += 1) await services.poll();
    const [run] = stage.ledger.running();
    expect(run).toMatchObject({ task: "chroma", kind: "service", trigger: "keep-running", outcome: "running" });
    const pid = run?.child?.pid ?? 0;
    expect(processesOfGroup(pid)).toHaveLength(2);
    await services.close();
    await expect.poll(() => processesOfGroup(pid)).toEqual([]);
    expect(stage.starts("chroma")).toBe(1);
    expect(stage.ledger.history("chroma", 1)).toMatchObject([{ outcome: "completed", reasonCode: null, reason: "ended by SIGTERM" }]);
    expect(stage.ledger.running()).toEqual([]);
    await services.poll();
    expect(stage.starts("chroma")).toBe(1);
  });

  it("starts one that has ended again, after a pause that doubles", async () => {
    await using stage = taskStage();
    const services = servicesOf(stage, [service(FALLING)]);
    await startsOf(stage, services, 2);
    await expect.poll(() => stage.said("warn").length).toBe(2);
    expect(stage.said("warn")).toEqual([
      "chroma daemon ended with exit code 3; it is started again in 1s.",
      "chroma daemon ended with exit code 3; it is started again in 2s.",
    ]);
    expect(stage.ledger.history("chroma", 2)).toMatchObject([
      { outcome: "failed", reasonCode: "exit-code", exitCode: 3 },
      { outcome: "failed", reasonCode: "exit-code", exitCode: 3 },
    ]);
    expect(stage.record("chroma").failures).toBe(0);
    await services.close();
  });

  it("one whose program or folder does not exist stops neither the others nor itself from being tried again", async () => {
    await using stage = taskStage();
    const missing = service("", { name: "missing", label: "missing", argv: ["/nowhere/daemon"] });
    const services = servicesOf(stage, [missing, service(STAYING)]);
    await services.poll();
    await stage.made("chroma.starts");
    await expect.poll(() => stage.said("warn")).toEqual(["missing ended with exit code 127; it is started again in 1s."]);
    await services.close();
    const nowhere = servicesOf(stage, [service(STAYING)], { cwd: stage.join("gone") });
    await nowhere.poll();
    expect(stage.said("error")).toEqual([expect.stringMatching(/^Cannot start chroma daemon: /)]);
    expect(stage.ledger.history("chroma", 1)).toMatchObject([{ outcome: "failed", reasonCode: "not-started" }]);
    expect(stage.ledger.running()).toEqual([]);
  });

  it("one whose end could not be written down is started again once that is possible", async () => {
    await using stage = taskStage();
    const services = servicesOf(stage, [
      service("echo start >> chroma.starts; while [ ! -e chroma.go ]; do sleep 0.02; done; rm chroma.go"),
    ]);
    await services.poll();
    await stage.made("chroma.starts");
    const child = stage.ledger.running()[0]?.child ?? null;
    const database = new DatabaseSync(`${stage.stateDir}/ledger.db`);
    database.exec("BEGIN IMMEDIATE");
    stage.letGo("chroma");
    await expect
      .poll(() => stage.said("error"), { timeout: 10_000 })
      .toEqual([expect.stringMatching(/^Cannot write down that a service has ended: .*locked/)]);
    expect(child !== null && isRunning(child)).toBe(false);
    expect(stage.ledger.running()).toHaveLength(1);
    database.close();
    await startsOf(stage, services, 2);
    await services.close();
  });

  it("tells when one is ready, and when it is not", async () => {
    await using stage = taskStage();
    const ready = { command: ["true"], timeout: 1000 };
    const asked: unknown[] = [];
    const problems: Record<string, string | null> = { good: null, bad: "no answer" };
    const services = servicesOf(
      stage,
      ["good", "bad"].map((name) => service("exec sleep 600", { name, label: name, ready: { ...ready, command: [name] } })),
      {
        awaitReady: async (check) => {
          asked.push(check);
          return "command" in check ? (problems[check.command[0] ?? ""] ?? null) : null;
        },
      },
    );
    await services.poll();
    await expect
      .poll(() => stage.lines.map(({ level, message }) => `${level} ${message}`))
      .toEqual(expect.arrayContaining(["info good is ready.", "warn bad is not ready: no answer"]));
    expect(asked).toHaveLength(2);
    await services.close();
  });
});

describe("services and several daemons", () => {
  it("two daemons never start one service twice, and the second starts it when the first was killed and it has ended", async () => {
    await using stage = taskStage();
    const setting = { stateDir: stage.stateDir, cwd: stage.join(), services: [service(STAYING)] };
    await using first = await orchestratorProcess(setting);
    await using second = await orchestratorProcess(setting);
    for (let round = 0; round < 10; round += 1) await Promise.all([first.pollServices(), second.pollServices()]);
    await stage.made("chroma.starts");
    expect(stage.starts("chroma")).toBe(1);
    const run = stage.ledger.running()[0];
    await first.kill();
    await second.kill();
    // It lives on without them, and is nobody's to start again.
    const third = servicesOf(stage, [service(STAYING)]);
    await third.poll();
    expect(stage.starts("chroma")).toBe(1);
    process.kill(-(run?.child?.pid ?? 0), "SIGKILL");
    await expect.poll(() => run?.child !== null && run !== undefined && isRunning(run.child)).toBe(false);
    // Whatever polls tasks closes what nobody supervises.
    await stage.orchestrator([]).poll();
    await startsOf(stage, third, 2);
    await third.close();
  });

  it("a daemon that ends stops what a killed one left running; a command that runs one task does not", async () => {
    await using stage = taskStage();
    const setting = { stateDir: stage.stateDir, cwd: stage.join(), services: [service(STAYING)] };
    {
      await using daemon = await orchestratorProcess(setting);
      await daemon.pollServices();
      await daemon.kill();
    }
    const child = stage.ledger.running()[0]?.child ?? null;
    if (child === null) throw new Error("It was not written down");
    await servicesOf(stage, [service(STAYING)]).close();
    expect(isRunning(child)).toBe(true);
    const next = servicesOf(stage, [service(STAYING)]);
    await next.poll();
    await next.close();
    await expect.poll(() => isRunning(child)).toBe(false);
  });
});
