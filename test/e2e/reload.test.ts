import { spawn } from "node:child_process";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { describe, expect, it, onTestFinished } from "vitest";
import { LAUNCHER } from "../support/holdfast.ts";
import { makeInstance } from "../support/instance.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

interface Line {
  readonly level: string;
  readonly message: string;
}

/** A daemon whose log is waited for line by line. */
function startDaemon(config: string): {
  readonly pid: number;
  until(pattern: RegExp): Promise<Line>;
  readonly ended: Promise<number | null>;
} {
  const child = spawn(process.execPath, [LAUNCHER, "--config", config, "daemon", "--json"], { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    pid: child.pid ?? 0,
    until: async (pattern) => {
      for (;;) {
        const { value, done } = await lines.next();
        if (done === true) throw new Error(`The daemon ended before it said ${pattern}`);
        const line = JSON.parse(value) as Line;
        if (pattern.test(line.message)) return line;
      }
    },
    ended: new Promise((resolve) => child.once("close", resolve)),
  };
}

describe("holdfast daemon at SIGHUP", () => {
  it("takes on what has changed, says what and no secret, and refuses a bad file and what a new daemon alone can take on", async () => {
    using folder = temporaryFolder();
    const more = "orchestrator: { poll_interval: 100ms }\n";
    const instance = makeInstance(folder.path, "  state: { path: state.json }", { more });
    writeFileSync(folder.join("state.json"), "{}\n");
    const plain = readFileSync(instance.config, "utf8");
    const daemon = startDaemon(instance.config);
    await daemon.until(/^Watching 1 task and 0 services/);
    const reload = (text: string): void => {
      writeFileSync(instance.config, text);
      process.kill(daemon.pid, "SIGHUP");
    };

    reload(`${plain}tasks: { light: { command: [touch, ran], every: 1s, heavy: false } }\n`);
    expect(await daemon.until(/^Configuration: tasks\.light\.name/)).toMatchObject({
      message: 'Configuration: tasks.light.name: absent -> "light"',
    });
    await daemon.until(/^Completed light/);

    reload(`${plain}taskz: {}\n`);
    const refused = await daemon.until(/is refused/);
    expect(refused.level).toBe("error");
    expect(refused.message).toContain("taskz");

    reload(`${plain}state_dir: elsewhere\n`);
    expect((await daemon.until(/is refused/)).message).toContain("stateDir changes only with a new daemon");

    reload(`${plain}server: { listen: "127.0.0.1:7999" }\n`);
    expect((await daemon.until(/is refused/)).message).toContain("server.listen changes only with a new daemon");
    reload(`${plain}server: { tokens_file: others.json }\n`);
    expect((await daemon.until(/is refused/)).message).toContain("server.tokens_file changes only with a new daemon");

    // Nothing of it is open to be read in a log.
    reload(`${plain}notify: [{ url: "https://hooks.example.com/T0/path-secret", headers: { X-Hook: header-secret } }]\n`);
    expect((await daemon.until(/^Configuration: notify\.0\.url/)).message).toBe(
      'Configuration: notify.0.url: absent -> "https://hooks.example.com/…"',
    );
    expect((await daemon.until(/^Configuration: notify\.0\.headers/)).message).toBe(
      'Configuration: notify.0.headers.X-Hook: absent -> "***"',
    );

    reload(plain);
    await daemon.until(/^Configuration: notify\.0\.url: .* -> absent/);
    reload(plain);
    await daemon.until(/nothing has changed/);

    process.kill(daemon.pid, "SIGTERM");
    await daemon.until(/_shutdown is taken/);
    expect(await daemon.ended).toBe(0);
  });

  it("keeps nothing of what it has replaced open, lets what runs under it end, and goes on without the store of the lease", async () => {
    using folder = temporaryFolder();
    const instance = makeInstance(folder.path, "  state: { path: state.json }", { more: "orchestrator: { poll_interval: 100ms }\n" });
    writeFileSync(folder.join("state.json"), "{}\n");
    const plain = readFileSync(instance.config, "utf8");
    const light = "light: { command: [sh, -c, 'touch begun; while [ ! -e go ]; do sleep 0.02; done'], every: 1s, heavy: false }";
    const withLimit = (minutes: number): string =>
      `${plain.replace("poll_interval: 100ms", `poll_interval: 100ms, max_deferral: ${minutes}m`)}tasks: { ${light} }\n`;
    writeFileSync(instance.config, withLimit(60));
    const daemon = startDaemon(instance.config);
    await daemon.until(/^Starting light/);
    const present = (): number => readdirSync(folder.join(".holdfast", "present")).filter((name) => /^[0-9a-f-]{36}$/.test(name)).length;
    for (const minutes of [61, 62, 63]) {
      writeFileSync(instance.config, withLimit(minutes));
      process.kill(daemon.pid, "SIGHUP");
      await daemon.until(/^Configuration: orchestrator\.maxDeferral/);
    }
    // The one under which the task runs, and the one in force.
    await expect.poll(present, { timeout: 30_000, interval: 20 }).toBe(2);
    writeFileSync(folder.join("go"), "");
    await daemon.until(/^Completed light/);
    await daemon.until(/^Completed light/);
    await expect.poll(present, { timeout: 30_000, interval: 20 }).toBe(1);

    rmSync(folder.join(".holdfast", "lease"), { recursive: true, force: true });
    writeFileSync(instance.config, withLimit(64));
    process.kill(daemon.pid, "SIGHUP");
    await daemon.until(/^Configuration: orchestrator\.maxDeferral/);
    await daemon.until(/^Completed light/);
    process.kill(daemon.pid, "SIGTERM");
    await daemon.until(/^Stopping/);
    expect(await daemon.ended).toBe(0);
  });
});
