import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { daemonStage, type DaemonStage } from "../support/daemon-stage.ts";
import { LAUNCHER } from "../support/holdfast.ts";
import { documentOf, failureOf } from "../support/instance.ts";
import { runtimeLog, runtimeScript } from "../support/restorable.ts";
import { runProgram } from "../support/run-program.ts";

/** A runtime of two scripts, healthy while the file `ready` is there. Whoever waits for the lease waits longer than a test may take. */
function runtimeStage(): DaemonStage {
  return daemonStage({
    // Nothing is due by itself.
    backup: 'schedule: "0 0 1 1 *"',
    orchestrator: "startup_wait: 10m, shutdown_timeout: 10m",
    more: "runtime: { stop: [./stop], start: [./start], health: { command: [test, -e, ready], timeout: 60s } }\n",
  });
}

const commandOf = ({ config }: DaemonStage): string => `"${process.execPath}" "${LAUNCHER}" --config "${config}"`;
const stateOf = (stage: DaemonStage): string => readFileSync(stage.join("data", "state.json"), "utf8");

describe("a restore that starts its runtime through Holdfast's own pieces", () => {
  it("stops and starts one that runs under `holdfast run`, and finds it healthy", async () => {
    await using stage = runtimeStage();
    const script = (name: string, body: string): string => runtimeScript(stage.folder, name, body);
    const start = script("start", "rm -f ended; setsid ./supervise > run.log 2>&1 < /dev/null &");
    script("supervise", `${commandOf(stage)} run -- ./program & echo $! > pid; wait; touch ended`);
    script("program", 'trap "rm ready; exit 0" TERM; touch ready; while :; do sleep 0.05; done');
    script("stop", 'kill "$(cat pid)"; while [ ! -e ended ]; do sleep 0.05; done');
    expect((await runProgram([start], { cwd: stage.folder, env: stage.env })).exitCode).toBe(0);
    await stage.made("ready");
    writeFileSync(stage.join("data", "state.json"), '{"turn":2}\n');
    documentOf(await stage.run("restore", "latest", "--yes", "--json"), 0);
    expect(stateOf(stage)).toBe('{"turn":1}\n');
    expect(runtimeLog(stage.folder)).toEqual(["start", "supervise", "program", "stop", "start", "supervise", "program"]);
    expect(stage.read("run.log")).toContain("No startup backup was taken: RESTORE_RUNNING");
    // What was not taken beside the restore is taken once it has ended.
    await expect
      .poll(() => readdirSync(stage.vault).some((name) => name.endsWith("_scheduled")), { timeout: 30_000, interval: 20 })
      .toBe(true);
  });

  it("lets one start that requires the unit which settles, whether everything is in place or as before", async () => {
    await using stage = runtimeStage();
    // As systemd does it for holdfast-settle.service, which the runtime's unit requires.
    const settle = `${commandOf(stage)} restore --settle >> settled`;
    runtimeScript(stage.folder, "start", `if [ -e .holdfast/restore/journal.json ]; then ${settle} || exit 1; fi; touch ready`);
    runtimeScript(stage.folder, "stop", "[ ! -e stuck ] && rm -f ready");
    documentOf(await stage.run("backup", "--json"), 0);
    writeFileSync(stage.join("data", "state.json"), '{"turn":2}\n');
    writeFileSync(stage.join("stuck"), "");
    const stuck = failureOf(await stage.run("restore", "latest", "--yes", "--json"), 1);
    expect([stuck.code, stuck.hint]).toEqual(["RUNTIME_STOP_FAILED", expect.not.stringContaining("starting it again failed")]);
    expect(stateOf(stage)).toBe('{"turn":2}\n');
    await runProgram(["rm", stage.join("stuck")]);
    documentOf(await stage.run("restore", "latest", "--yes", "--json"), 0);
    expect(stateOf(stage)).toBe('{"turn":1}\n');
    expect(stage.read("settled").trim().split("\n")).toEqual(
      Array(2).fill("A restore is running, and lets the runtime start: nothing to settle"),
    );
    expect(existsSync(stage.join(".holdfast", "restore", "journal.json"))).toBe(false);
    expect((await stage.run("restore", "--settle")).stdout).toBe("No restore was cut off: nothing to settle\n");
  });
});
