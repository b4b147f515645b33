import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { clientOf, FREE_PORT } from "../support/daemon-client.ts";
import { daemonStage, inState, shell, type DaemonStage, type DaemonStageOptions } from "../support/daemon-stage.ts";
import { endpoint, type Endpoint } from "../support/endpoint.ts";
import { documentOf } from "../support/instance.ts";

const PATIENCE = { timeout: 60_000, interval: 20 };

/** Its backups do not end by themselves; nothing is due by itself. */
function endless(server: Endpoint, more: DaemonStageOptions = {}): DaemonStage {
  return daemonStage({
    backup: 'on_startup: false, on_shutdown: false, schedule: "0 0 1 1 *"',
    components: `  dump: { command: ${shell("echo $$ >> dump.starts; exec sleep 600")}, as: dump.txt }`,
    more: `notify: [{ url: "${server.url}" }]\n`,
    ...more,
  });
}

const told = ({ asked }: Endpoint): unknown[] =>
  asked.map((one) => {
    const { event, subject, details } = one.json<{ event: string; subject: string; details: { code?: string } }>();
    return `${event} ${subject} ${details.code}`;
  });

/** Kills a backup, then the program of its component, which outlives it and keeps the lease. */
async function kill(stage: DaemonStage, starts: number): Promise<void> {
  await stage.begun("dump", starts);
  const { lease } = documentOf<{ lease: { pid: number } }>(await stage.run("lease", "status", "--json"), 0);
  const programs = stage.read("dump.starts").trim().split("\n");
  // Of a task the lease names its supervisor.
  using ledger = stage.ledger();
  const child = ledger.running()[0]?.child?.pid;
  process.kill(child === undefined ? lease.pid : child, "SIGKILL");
  process.kill(Number(programs.at(-1)), "SIGKILL");
}

describe("a backup that cannot say itself what became of it", () => {
  it("killed, under a daemon and by its API: whoever supervised it tells, `status` and /ready and /metrics say that it is not safe", async () => {
    await using server = await endpoint();
    await using stage = endless(server);
    const daemon = await stage.daemon({ env: FREE_PORT });
    const client = await clientOf(stage, daemon);
    const started = client.takeBackup({ body: { wait: true } });
    started.catch(() => {});
    await kill(stage, 1);
    await expect(started).rejects.toMatchObject({ problem: { code: "ENGINE_KILLED" } });
    await server.until(1);
    expect(told(server)).toEqual(["failure manual backup ENGINE_KILLED"]);
    const status = await stage.run("status", "--json");
    expect([status.exitCode, status.json()]).toMatchObject([4, { failedRun: { code: "ENGINE_KILLED", trigger: "manual" } }]);
    const [, url = ""] = await daemon.saw(/Listening on (http:[^\s"]+)\./);
    expect((await fetch(`${url}/ready`)).status).toBe(503);
    const authorization = `Bearer ${readFileSync(inState(stage, "tokens", "read"), "utf8").trim()}`;
    expect(await (await fetch(`${url}/metrics`, { headers: { authorization } })).text()).toContain("holdfast_last_run_failed 1\n");

    const lease = async (): Promise<unknown> =>
      documentOf<{ lease: { state: string } }>(await stage.run("lease", "status", "--json"), 0).lease.state;
    await expect.poll(lease, PATIENCE).toBe("free");
    using ledger = stage.ledger();
    ledger.makeDue("backup", Date.now());
    await kill(stage, 2);
    await server.until(2);
    expect(told(server)[1]).toBe("failure scheduled backup ENGINE_KILLED");
    expect((await stage.run("status", "--json")).json()).toMatchObject({ failedRun: { trigger: "scheduled" } });
    expect((await daemon.end("SIGTERM")).exitCode).toBe(0);
    expect(server.asked).toHaveLength(2);
  });

  it("stopped because it stalled: it is told as a failure, and `status` says it", async () => {
    await using server = await endpoint();
    await using stage = endless(server, { tasks: "  backup: { stall: 1s }" });
    expect((await stage.run("task", "run", "backup")).exitCode).toBe(1);
    expect(told(server)).toEqual(["failure scheduled backup DEADLINE"]);
    const status = await stage.run("status", "--json");
    expect([status.exitCode, status.json()]).toMatchObject([4, { failedRun: { code: "DEADLINE", trigger: "scheduled" } }]);
  });

  it("the last one, which had no time: it is told", async () => {
    await using server = await endpoint();
    await using stage = endless(server, { backup: "on_startup: false", orchestrator: "shutdown_timeout: 1s" });
    const daemon = await stage.daemon();
    daemon.signal("SIGTERM");
    expect((await daemon.ended).exitCode).toBe(0);
    expect(told(server)).toEqual(["failure shutdown backup DEADLINE"]);
    expect((await stage.run("status", "--json")).json()).toMatchObject({ failedRun: { code: "DEADLINE", trigger: "shutdown" } });
  });
});
