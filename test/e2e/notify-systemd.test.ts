import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { describe, expect, it, type TestContext } from "vitest";
import { daemonStage, shell } from "../support/daemon-stage.ts";
import { LAUNCHER } from "../support/holdfast.ts";
import { notifySocket } from "../support/notify-socket.ts";

const SERVER = "server: { listen: '127.0.0.1:0' }\n";

/** It comes with systemd, and .ci/run installs it. */
function needsSystemdNotify({ skip }: Pick<TestContext, "skip">): void {
  const found = (process.env["PATH"] ?? "").split(delimiter).some((folder) => existsSync(join(folder, "systemd-notify")));
  if (!found) skip("systemd-notify is not installed here: nothing of this was tested");
}

const PLACES: readonly (readonly [string, (folder: string) => string])[] = [
  ["a path", (folder) => join(folder, "notify.sock")],
  ["an abstract name", (folder) => `@holdfast${folder.replaceAll("/", "-")}`],
];

describe("holdfast daemon as a service of systemd", () => {
  it.for(PLACES)("says over %s that it starts, is ready after its first backup, reloads, and stops", async ([, nameIn], test) => {
    needsSystemdNotify(test);
    await using stage = daemonStage({
      backup: "on_shutdown: false",
      tasks: `  peek: { command: ${shell("env > seen.part; mv seen.part seen")}, every: 1s, heavy: false }`,
      more: SERVER,
    });
    const name = nameIn(stage.folder);
    await using socket = await notifySocket(name);
    const daemon = stage.start(["daemon", "--json"], { NOTIFY_SOCKET: name, WATCHDOG_USEC: "400000" });
    const ready = await socket.heard(/^READY=1$/m);
    expect(ready).toBe("READY=1\nSTATUS=Watching 2 tasks and 0 services of stage every 100ms");
    expect(readdirSync(stage.vault).filter((entry) => entry.endsWith("_startup"))).toHaveLength(1);
    await socket.heard(/^WATCHDOG=1$/);
    await stage.made("seen");

    const before = Number(process.hrtime.bigint() / 1000n);
    writeFileSync(stage.config, readFileSync(stage.config, "utf8").replace(/^tasks:\n.*\n/m, ""));
    daemon.signal("SIGHUP");
    const reloading = await socket.heard(/^RELOADING=1$/m);
    const [, usec] = /^RELOADING=1\nMONOTONIC_USEC=(\d+)$/.exec(reloading) ?? [];
    expect(Number(usec)).toBeGreaterThanOrEqual(before);
    await socket.heard(/^READY=1\nSTATUS=Watching 1 task /);
    expect(await daemon.end("SIGTERM")).toEqual({ exitCode: 0, signal: null });

    const said = socket.said.filter((datagram) => datagram !== "WATCHDOG=1");
    expect(said.map((datagram) => datagram.replace(/[=\n].*$/s, ""))).toEqual(["STATUS", "READY", "RELOADING", "READY", "STOPPING"]);
    // A task that had it could speak for the daemon.
    expect(stage.read("seen")).toContain("PATH=");
    expect(stage.read("seen")).not.toMatch(/NOTIFY_SOCKET|WATCHDOG/);
    expect(daemon.stdout()).not.toContain("Cannot tell systemd");
  });

  it("works, and says why once, where nobody listens", async (test) => {
    needsSystemdNotify(test);
    await using stage = daemonStage({ more: SERVER });
    const daemon = await stage.daemon({ env: { NOTIFY_SOCKET: stage.join("nobody.sock"), WATCHDOG_USEC: "100000" } });
    await daemon.saw(/Cannot tell systemd/);
    daemon.signal("SIGHUP");
    await daemon.saw(/nothing has changed/);
    expect(await daemon.end("SIGTERM")).toEqual({ exitCode: 0, signal: null });
    expect(daemon.stdout().match(/Cannot tell systemd/g)).toHaveLength(1);
  });
});

describe("the log of holdfast daemon", () => {
  it("holds up nothing when nobody reads it, and loses no line when the daemon ends", async () => {
    const lines = 3000;
    await using stage = daemonStage({
      tasks: [
        `  noise: { command: ${shell(`seq -f 'number %05g ${"x".repeat(40)}' 1 ${lines}; touch noise.done`)}, every: 1h, heavy: false }`,
        `  quiet: { command: [touch, quiet.done], every: 1h, heavy: false, after: [noise] }`,
      ].join("\n"),
      more: SERVER,
    });
    {
      using ledger = stage.ledger();
      ledger.ensureTasks(["noise", "quiet"], Date.now() - 2 * 3_600_000);
    }
    const daemon = spawn(process.execPath, [LAUNCHER, "--config", stage.config, "daemon", "--json"], {
      cwd: stage.folder,
      env: { ...process.env, ...stage.env },
      stdio: ["ignore", "pipe", "inherit"],
    });
    await stage.made("quiet.done");
    daemon.kill("SIGTERM");
    let text = "";
    daemon.stdout.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
    const [exitCode] = await new Promise<unknown[]>((resolve) => daemon.once("close", (...end) => resolve(end)));
    expect(exitCode).toBe(0);
    const log = text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { readonly task?: string; readonly message: string });
    expect(Buffer.byteLength(text)).toBeGreaterThan(2 * 65_536);
    expect(log.filter(({ task, message }) => task === "noise" && message.startsWith("noise: number "))).toHaveLength(lines);
    expect(log.some(({ message }) => message.startsWith("Stopping: "))).toBe(true);
  });
});
