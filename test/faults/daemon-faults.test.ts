import { chownSync, existsSync, mkdirSync, readdirSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { asUser } from "../support/as-user.ts";
import { clientOf, FREE_PORT } from "../support/daemon-client.ts";
import { logOf, type RunningProgram } from "../support/daemon-program.ts";
import { counting, daemonStage, holding, inState, oddNames, shell, type DaemonStage } from "../support/daemon-stage.ts";
import { LAUNCHER } from "../support/holdfast.ts";
import { documentOf, makeInstance } from "../support/instance.ts";
import { mountAt } from "../support/mount.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const NOBODY = 65_534;
const EVERY_SECOND = 'on_startup: false, on_shutdown: false, schedule: "* * * * * *"';
const PATIENCE = { timeout: 60_000, interval: 20 };

function taken(daemon: RunningProgram): number {
  return logOf(daemon).filter(({ message }) => message.startsWith("Completed memory core backup")).length;
}

async function takenAgain(daemon: RunningProgram): Promise<void> {
  const before = taken(daemon);
  await expect.poll(() => taken(daemon), PATIENCE).toBeGreaterThan(before);
}

describe("a full disk under the vault of a daemon", () => {
  it("fails its backups by name, which status tells; the daemon lives, and takes them again when there is space", async (test) => {
    await using stage = daemonStage({ backup: EVERY_SECOND });
    mkdirSync(stage.vault);
    using disk = mountAt(stage.vault, ["-t", "tmpfs", "-o", "size=16000000,mode=0700", "holdfast-test"], test);
    expect(disk).toBeDefined();
    const daemon = await stage.daemon();
    await takenAgain(daemon);
    const filler = `${stage.vault}/filler`;
    const isTold = (): boolean => {
      try {
        const { bavail, bsize } = statfsSync(stage.vault);
        if (bavail > 0) writeFileSync(filler, Buffer.alloc(bavail * bsize), { flag: "a" });
      } catch {
        // Whoever made room or took it was faster
      }
      return logOf(daemon).some(({ level, message }) => level === "error" && /^Failed memory core backup: .*full/.test(message));
    };
    await expect.poll(isTold, { timeout: 60_000, interval: 5 }).toBe(true);
    const status = await stage.run("status", "--json");
    expect([status.exitCode, status.json()]).toMatchObject([4, { failedRun: { code: "NO_SPACE" } }]);
    rmSync(filler);
    await takenAgain(daemon);
    expect((await daemon.end("SIGTERM")).exitCode).toBe(0);
    expect(oddNames(readdirSync(stage.vault))).toEqual([]);
    documentOf(await stage.run("verify", "--all", "--json"), 0);
  });
});

describe("an engine child of the API that is killed", () => {
  it("POST /admin/backup: the run ends as failed with its problem, the daemon lives, and the next backup works", async () => {
    // Nothing is due by itself.
    await using stage = daemonStage({
      backup: 'on_startup: false, on_shutdown: false, schedule: "0 0 1 1 *"',
      components: `  dump: { command: ${shell(`${holding("dump")}; echo done`)}, as: dump.txt }`,
    });
    const daemon = await stage.daemon({ env: FREE_PORT });
    const client = await clientOf(stage, daemon);
    const killEngine = async (): Promise<void> => {
      const { lease } = documentOf<{ lease: { pid: number } }>(await stage.run("lease", "status", "--json"), 0);
      process.kill(lease.pid, "SIGKILL");
    };
    /** The component's program has outlived its backup, and keeps the lease until it ends. */
    const settle = async (): Promise<void> => {
      stage.letGo("dump");
      const state = async (): Promise<string> =>
        documentOf<{ lease: { state: string } }>(await stage.run("lease", "status", "--json"), 0).lease.state;
      await expect.poll(state, PATIENCE).toBe("free");
    };

    const started = await client.takeBackup({ body: {} });
    await stage.begun("dump", 1);
    await killEngine();
    const run = async (): Promise<unknown> => (await client.showRun({ params: { id: started.body.run_id } })).body;
    await expect.poll(run, PATIENCE).toMatchObject({ outcome: "failed", problem: { code: "ENGINE_KILLED" } });
    await settle();

    const waiting = client.takeBackup({ body: { wait: true } });
    waiting.catch(() => {});
    await stage.begun("dump", 2);
    await killEngine();
    await expect(waiting).rejects.toMatchObject({ problem: { status: 500, code: "ENGINE_KILLED" } });
    await settle();

    const next = client.takeBackup({ body: { wait: true } });
    await stage.begun("dump", 3);
    stage.letGo("dump");
    expect((await next).status).toBe(201);
    expect((await daemon.end("SIGTERM")).exitCode).toBe(0);
    expect(oddNames(readdirSync(stage.vault))).toEqual([]);
  });
});

describe("a scheduled backup that is killed after its commit", () => {
  it("counts as taken, with its id, under the daemon that started it and under the next one, and is not taken again", async () => {
    await using stage = daemonStage({ more: `hooks: { after: ${shell(holding("after"))}, timeout: 10m }\n` });
    using ledger = stage.ledger();
    const makeDue = (): void => ledger.makeDue("backup", Date.now());
    const killEngine = (): void => void process.kill(-(ledger.running()[0]?.child?.pid ?? Number.NaN), "SIGKILL");
    makeDue();
    const first = await stage.daemon();
    await stage.begun("after", 1);
    killEngine();
    const [, one = ""] = await first.saw(/Completed memory core backup (\S+): ended by SIGKILL, after its commit/);

    makeDue();
    await stage.begun("after", 2);
    await first.end("SIGKILL");
    killEngine();
    const second = await stage.daemon();
    await second.saw(/A run of backup was cut off: it is closed as completed\./);
    expect((await second.end("SIGTERM")).exitCode).toBe(0);
    const runs = ledger.history("backup", 10);
    expect(runs.map(({ outcome }) => outcome)).toEqual(["completed", "completed"]);
    expect(ledger.tasks().find(({ name }) => name === "backup")?.failures).toBe(0);
    const listed = readdirSync(stage.vault).filter((name) => name !== ".vault");
    expect(new Set(runs.map(({ backupId }) => backupId))).toEqual(new Set(listed));
    expect(runs.at(-1)?.backupId).toBe(one);
  });
});

const LEDGER_FILES = ["ledger.db", "ledger.db-wal", "ledger.db-shm"];
const LEDGER_TROUBLE: readonly (readonly [string, RegExp, (stage: DaemonStage) => void])[] = [
  [
    "removed",
    /The ledger .* was removed while it was in use/,
    (stage) => {
      for (const name of LEDGER_FILES) rmSync(inState(stage, name), { force: true });
    },
  ],
  [
    "overwritten with junk",
    /The ledger could not be read .*was moved to|Another file was put in the place of the ledger/,
    (stage) => {
      for (const name of LEDGER_FILES.slice(0, 2))
        writeFileSync(inState(stage, name), "no database at all, and as long as one. ".repeat(1000));
    },
  ],
];

describe("the ledger of a daemon that runs", () => {
  it.each(LEDGER_TROUBLE)(
    "%s: is said and mended, and keeps no backup from being taken, by the daemon or by hand",
    async (_what, told, trouble) => {
      await using stage = daemonStage({ backup: EVERY_SECOND, tasks: `  tick: { command: ${shell(counting("tick"))}, every: 1s }` });
      const daemon = await stage.daemon();
      await takenAgain(daemon);
      trouble(stage);
      // A daemon may have all of it in memory; whoever comes next has not.
      expect((await stage.run("task", "list")).exitCode).toBe(0);
      documentOf(await stage.run("backup", "--wait", "60s", "--json"), 0);
      await daemon.saw(told);
      await takenAgain(daemon);
      await stage.begun("tick", stage.starts("tick") + 2);
      expect((await daemon.end("SIGTERM")).exitCode).toBe(0);
      using ledger = stage.ledger();
      expect(ledger.history("backup", 100).some(({ outcome }) => outcome === "completed")).toBe(true);
      documentOf(await stage.run("verify", "--all", "--json"), 0);
    },
  );

  it("locked by another process: backups by hand and the last one are taken all the same, it is said, and what is due runs once it is free", async () => {
    await using stage = daemonStage({
      backup: "on_startup: false",
      tasks: `  tick: { command: ${shell(counting("tick"))}, every: 1s }`,
    });
    const daemon = await stage.daemon();
    await stage.begun("tick", 1);
    const lock = new DatabaseSync(inState(stage, "ledger.db"), { timeout: 10_000 });
    lock.exec("BEGIN IMMEDIATE");
    documentOf(await stage.run("backup", "--json"), 0);
    await daemon.saw(/database is locked/);
    const starts = stage.starts("tick");
    lock.exec("ROLLBACK");
    await stage.begun("tick", starts + 2);
    lock.exec("BEGIN IMMEDIATE");
    expect((await daemon.end("SIGTERM")).exitCode).toBe(0);
    lock.close();
    expect(readdirSync(stage.vault).filter((name) => name.endsWith("_shutdown"))).toHaveLength(1);
  });
});

describe("a state folder that cannot be written", () => {
  it("ends `holdfast daemon` with the name of the folder, and keeps no program of `holdfast run` from running to its own end", async () => {
    using folder = temporaryFolder();
    const { config } = makeInstance(folder.path, "  state: { path: state.json }", { more: "server: { listen: '127.0.0.1:0' }\n" });
    writeFileSync(folder.join("state.json"), '{"turn":1}\n');
    mkdirSync(folder.join(".holdfast"), { mode: 0o755 });
    for (const path of [folder.path, config, folder.join("state.json")]) chownSync(path, NOBODY, NOBODY);
    const run = async (...args: string[]): ReturnType<typeof asUser> =>
      await asUser(NOBODY, [process.execPath, LAUNCHER, "--config", config, ...args], {
        cwd: folder.path,
        env: { HOME: folder.path, NODE_COMPILE_CACHE: undefined, HOLDFAST_CONFIG: undefined },
      });
    const daemon = await run("daemon", "--json");
    expect(daemon.exitCode, daemon.stdout).toBe(1);
    expect(daemon.stdout).toMatch(/"holdfast\.error\/1"[^]*"Cannot write the ledger in [^]*\.holdfast/);
    const program = await run("run", "--", "sh", "-c", "echo it runs; sleep 0.3; exit 9");
    expect([program.exitCode, program.stdout], program.stderr).toEqual([9, "it runs\n"]);
    expect(program.stderr).toContain("Nothing runs on schedule");
    expect(program.stderr).toContain("No shutdown backup was taken");
    expect(existsSync(folder.join("backups"))).toBe(false);
  });
});

describe("hooks and endpoints that hang", () => {
  it("hold up neither the other tasks of a daemon nor its end: the backups are there, and nothing half-made is left", async () => {
    const silent = createServer(() => {}).listen(0, "127.0.0.1");
    await new Promise((resolve) => silent.once("listening", resolve));
    const { port } = silent.address() as AddressInfo;
    await using stage = daemonStage({
      backup: 'on_startup: false, schedule: "* * * * * *"',
      orchestrator: "shutdown_timeout: 3s",
      tasks: `  tick: { command: ${shell(counting("tick"))}, every: 1s }`,
      more: `hooks: { after: [sh, -c, "echo $$ >> after.starts; exec sleep 600"], timeout: 10m }\nnotify: [{ url: "http://127.0.0.1:${port}/", on: [success, failure], timeout: 60s }]\n`,
    });
    const daemon = await stage.daemon();
    await stage.begun("after", 1);
    await stage.begun("tick", stage.starts("tick") + 2);
    expect((await daemon.end("SIGTERM")).exitCode).toBe(0);
    silent.close();
    expect(readdirSync(stage.vault).some((name) => /_scheduled(?:-\d+)?$/.test(name))).toBe(true);
    expect(oddNames(readdirSync(stage.vault))).toEqual([]);
    documentOf(await stage.run("verify", "--all", "--json"), 0);
  });
});
