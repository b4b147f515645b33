import { existsSync, readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Crashpoint } from "../../src/kernel/index.ts";
import { clientOf, FREE_PORT } from "../support/daemon-client.ts";
import { counting, daemonStage, oddNames, shell, type DaemonStage } from "../support/daemon-stage.ts";
import { haltAt } from "../support/halt-at.ts";
import { documentOf } from "../support/instance.ts";

/** Where a backup stands still when the signal comes. */
const PHASES: readonly (readonly [string, Crashpoint])[] = [
  ["preflight", "vault-created"],
  ["pause", "pause-held"],
  ["capture", "backup-component-stored"],
  ["commit", "backup-before-publish"],
];

function pausing(backup: string): DaemonStage {
  return daemonStage({
    // Nothing is due by itself.
    backup: `${backup}, schedule: "0 0 1 1 *"`,
    orchestrator: "shutdown_timeout: 2m",
    components: `  memory: { path: data, pause: { command: ${shell(counting("pause"))}, resume: ${shell(counting("resume"))}, timeout: 60s } }`,
  });
}

function triggersIn({ vault }: DaemonStage): string[] {
  const names = readdirSync(vault);
  expect(oddNames(names)).toEqual([]);
  return names.flatMap((name) => /_([a-z-]+?)(?:-\d+)?$/.exec(name)?.[1] ?? []).toSorted();
}

/** Whatever came of it, what is listed is whole, the runtime is not paused, the lease is free, and the next backup works. */
async function expectSound(stage: DaemonStage): Promise<void> {
  await expect.poll(stage.processes, { timeout: 30_000, interval: 5 }).toEqual([]);
  // One that was cut off while it paused is resumed whether or not it had begun to.
  expect(stage.starts("resume")).toBeGreaterThanOrEqual(stage.starts("pause"));
  documentOf(await stage.run("backup", "--json"), 0);
  documentOf(await stage.run("verify", "--all", "--json"), 0);
}

/** In the field one was refused with 409 and the other cancelled, so that none was left. */
describe("field notes: synthorg#449: SIGTERM in a phase of a backup", () => {
  it.each(PHASES)("%s: `holdfast daemon` finishes it, takes the last one after it, and ends with 0", async (_phase, point) => {
    await using stage = pausing("on_startup: false");
    using ledger = stage.ledger();
    ledger.makeDue("backup", Date.now());
    const halt = haltAt(point, stage.join("halted"));
    const daemon = await stage.daemon({ env: halt.env });
    const engine = await halt.stopped();
    daemon.signal("SIGTERM");
    await daemon.saw(/Stopping: ending backup/);
    engine.goOn();
    expect(await daemon.ended).toEqual({ exitCode: 0, signal: null });
    expect(triggersIn(stage)).toEqual(["scheduled", "shutdown"]);
    await expectSound(stage);
  });

  it.each(PHASES)("%s: `holdfast run` gives the startup backup up, starts no program, and ends with 130", async (_phase, point) => {
    await using stage = pausing("on_shutdown: false");
    const halt = haltAt(point, stage.join("halted"));
    const run = stage.start(["run", "--", "touch", "started"], halt.env);
    const engine = await halt.stopped();
    run.signal("SIGTERM");
    await engine.told();
    engine.goOn();
    expect(await run.ended).toEqual({ exitCode: 130, signal: null });
    expect(existsSync(stage.join("started"))).toBe(false);
    // Past the point of no return it is there, and whole.
    expect([[], ["startup"]]).toContainEqual(triggersIn(stage));
    await expectSound(stage);
  });

  it("capture: one that POST /admin/backup has started is finished as well, and the last one is taken after it", async () => {
    await using stage = pausing("on_startup: false");
    const halt = haltAt("backup-component-stored", stage.join("halted"));
    const daemon = await stage.daemon({ env: { ...FREE_PORT, ...halt.env } });
    const client = await clientOf(stage, daemon);
    const started = await client.takeBackup({ body: {} });
    expect(started.status).toBe(202);
    const engine = await halt.stopped();
    daemon.signal("SIGTERM");
    await daemon.saw(/Stopping: /);
    engine.goOn();
    expect(await daemon.ended).toEqual({ exitCode: 0, signal: null });
    expect(triggersIn(stage)).toEqual(["manual", "shutdown"]);
    await expectSound(stage);
  });

  it("capture: a second signal gives up one that POST /admin/backup has started as well, and nothing half-made is left", async () => {
    await using stage = pausing("on_startup: false");
    const halt = haltAt("backup-component-stored", stage.join("halted"));
    const daemon = await stage.daemon({ env: { ...FREE_PORT, ...halt.env } });
    const client = await clientOf(stage, daemon);
    expect((await client.takeBackup({ body: {} })).status).toBe(202);
    const engine = await halt.stopped();
    daemon.signal("SIGTERM");
    await daemon.saw(/Stopping: /);
    daemon.signal("SIGTERM");
    await engine.told();
    engine.goOn();
    expect(await daemon.ended).toEqual({ exitCode: 0, signal: null });
    expect(triggersIn(stage)).toEqual([]);
    await expectSound(stage);
  });

  it("pause: one that is sent to every process, as some supervisors do, leaves the last backup all the same", async () => {
    await using stage = pausing("on_startup: false");
    using ledger = stage.ledger();
    ledger.makeDue("backup", Date.now());
    const halt = haltAt("pause-held", stage.join("halted"));
    const daemon = await stage.daemon({ env: halt.env });
    const engine = await halt.stopped();
    for (const pid of stage.processes()) process.kill(pid, "SIGTERM");
    await engine.told();
    await daemon.saw(/Stopping: ending backup/);
    engine.goOn();
    expect(await daemon.ended).toEqual({ exitCode: 0, signal: null });
    expect(triggersIn(stage)).toContain("shutdown");
    await expectSound(stage);
  });

  it("the last one of `holdfast run`: the first signal after the program has ended cancels nothing, the second gives up", async () => {
    await using stage = pausing("on_startup: false");
    const halt = haltAt("backup-component-stored", stage.join("halted"));
    const run = stage.start(["run", "--", "sh", "-c", "exit 7"], halt.env);
    const engine = await halt.stopped();
    run.signal("SIGTERM");
    await run.saw(/is finished first/);
    engine.goOn();
    expect(await run.ended).toEqual({ exitCode: 7, signal: null });
    expect(triggersIn(stage)).toEqual(["shutdown"]);

    const second = haltAt("backup-component-stored", stage.join("halted-again"));
    const impatient = stage.start(["run", "--", "sh", "-c", "exit 7"], second.env);
    const stopped = await second.stopped();
    impatient.signal("SIGTERM");
    await impatient.saw(/is finished first/);
    impatient.signal("SIGTERM");
    await stopped.told();
    stopped.goOn();
    expect(await impatient.ended).toEqual({ exitCode: 7, signal: null });
    expect(impatient.stderr()).toContain("given up at a second signal");
    expect(triggersIn(stage)).toEqual(["shutdown"]);
    await expectSound(stage);
  });
});
