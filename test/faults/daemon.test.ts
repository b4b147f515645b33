import { existsSync, readdirSync, renameSync, rmSync, statfsSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { identityOfProcess, isRunning } from "../../src/kernel/index.ts";
import type { RunRecord, Streak } from "../../src/ledger/index.ts";
import { logOf, type RunningProgram } from "../support/daemon-program.ts";
import { counting, daemonStage, holding, inState, shell, type DaemonStage } from "../support/daemon-stage.ts";
import { documentOf } from "../support/instance.ts";
import { mountTmpfs } from "../support/mount-tmpfs.ts";

const HOUR = 3_600_000;

function seen(stage: DaemonStage, ago: number, ...names: string[]): void {
  using ledger = stage.ledger();
  ledger.ensureTasks(names, Date.now() - ago);
}

function streakOf(stage: DaemonStage, task: string): Streak | undefined {
  using ledger = stage.ledger();
  return ledger.streaks().find((streak) => streak.task === task);
}

function runsOf(stage: DaemonStage, task: string): RunRecord[] {
  using ledger = stage.ledger();
  return ledger.history(task, 100);
}

/** Polls of whoever is the daemon now: each counts the deferral of a task that is due. */
async function deferredTo(stage: DaemonStage, task: string, count: number): Promise<void> {
  await expect.poll(() => streakOf(stage, task)?.count ?? 0, { timeout: 60_000, interval: 20 }).toBeGreaterThanOrEqual(count);
}

async function stateOf(stage: DaemonStage, task: string): Promise<string | null | undefined> {
  const { tasks } = documentOf<{ tasks: readonly { name: string; state: string | null }[] }>(await stage.run("task", "list", "--json"), 0);
  return tasks.find(({ name }) => name === task)?.state;
}

const TWO_HEAVY = [
  `  summary: { command: ${shell(holding("summary"))}, every: 1h }`,
  `  kbSync: { command: ${shell(counting("kbSync"))}, every: 1h }`,
].join("\n");

describe("a daemon that is killed while a heavy task works", () => {
  it("leaves it working: the next one shows it running, starts it no second time, defers others behind it, and closes the run when it has ended", async () => {
    await using stage = daemonStage({ tasks: TWO_HEAVY });
    seen(stage, 100 * HOUR, "summary");
    seen(stage, 2 * HOUR, "kbSync");
    const first = await stage.daemon();
    await stage.begun("summary", 1);
    await deferredTo(stage, "kbSync", 3);
    expect((await first.end("SIGKILL")).signal).toBe("SIGKILL");
    const child = identityOfProcess(Number(stage.read("summary.starts")));
    const before = streakOf(stage, "kbSync");
    expect(await stateOf(stage, "summary")).toBe("running");

    const second = await stage.daemon();
    await deferredTo(stage, "kbSync", (before?.count ?? 0) + 5);
    expect(isRunning(child)).toBe(true);
    expect(await stateOf(stage, "summary")).toBe("running");
    expect([stage.starts("summary"), stage.starts("kbSync")]).toEqual([1, 0]);
    // The streak goes on where it was, behind the lease that the child holds for the dead daemon.
    expect(streakOf(stage, "kbSync")).toMatchObject({
      openedAt: before?.openedAt,
      reasonCode: "heavy-maintenance-lease-held",
      holdingOwner: "summary",
      holdingPid: first.pid,
    });
    stage.letGo("summary");
    await second.saw(/A run of summary was cut off: it is closed as interrupted\./);
    await stage.begun("kbSync", 1);
    expect(runsOf(stage, "summary")).toEqual([expect.objectContaining({ outcome: "failed", reasonCode: "interrupted" })]);
    expect((await second.end("SIGTERM")).exitCode).toBe(0);
    expect(streakOf(stage, "kbSync")).toBe(undefined);
  });

  it("leaves a backup working, which is committed and closed as completed, with its id, by the next one", async () => {
    await using stage = daemonStage({ components: `  dump: { command: ${shell(`${holding("dump")}; echo done`)}, as: dump.txt }` });
    seen(stage, 7 * HOUR, "backup");
    const first = await stage.daemon();
    await stage.begun("dump", 1);
    await first.end("SIGKILL");
    const second = await stage.daemon();
    expect(await stateOf(stage, "backup")).toBe("running");
    stage.letGo("dump");
    await second.saw(/A run of backup was cut off: it is closed as completed\./);
    expect((await second.end("SIGTERM")).exitCode).toBe(0);
    const { backups } = documentOf<{ backups: readonly { id: string }[] }>(await stage.run("backup", "list", "--json"), 0);
    expect(backups).toHaveLength(1);
    expect(runsOf(stage, "backup")).toEqual([expect.objectContaining({ outcome: "completed", backupId: backups[0]?.id })]);
    expect(stage.starts("dump")).toBe(1);
  });

  it("leaves a service running, which the next one takes no second of, and which ends with it", async () => {
    await using stage = daemonStage({
      tasks: `  chroma: { command: ${shell(holding("chroma"))}, keep_running: true }\n  tick: { command: ${shell(counting("tick"))}, every: 1s }`,
    });
    const first = await stage.daemon();
    await stage.begun("chroma", 1);
    await first.end("SIGKILL");
    const second = await stage.daemon();
    await stage.begun("tick", stage.starts("tick") + 2);
    expect(stage.starts("chroma")).toBe(1);
    expect((await second.end("SIGTERM")).exitCode).toBe(0);
    await expect.poll(stage.processes, { timeout: 30_000, interval: 5 }).toEqual([]);
  });
});

describe("a backup that is killed while the program of a component works", () => {
  const dump = `  dump: { command: ${shell(`${holding("dump")}; echo done`)}, as: dump.txt }`;

  /** What becomes of a script that asks while the program works. */
  async function askBeside(stage: DaemonStage): Promise<{ readonly works: boolean; readonly exitCode: number | null }> {
    const child = identityOfProcess(Number(stage.read("dump.starts")));
    const { exitCode } = await stage.run("lease", "run", "--owner", "script", "--", "true");
    return { works: isRunning(child), exitCode };
  }

  it("by hand: nobody gets the lease until that program has ended", async () => {
    await using stage = daemonStage({ components: dump });
    const backup = stage.start(["backup"]);
    await stage.begun("dump", 1);
    await backup.end("SIGKILL");
    expect(await askBeside(stage)).toEqual({ works: true, exitCode: 5 });
  });

  it("under a daemon: nobody gets the lease until that program has ended", async () => {
    await using stage = daemonStage({ components: dump });
    seen(stage, 7 * HOUR, "backup");
    const daemon = await stage.daemon();
    await stage.begun("dump", 1);
    process.kill(runsOf(stage, "backup")[0]?.child?.pid ?? 0, "SIGKILL");
    await daemon.saw(/Failed memory core backup: ended by SIGKILL/);
    expect(await askBeside(stage)).toEqual({ works: true, exitCode: 5 });
  });
});

describe("a streak of deferrals", () => {
  it("goes on after SIGKILL of the daemon, with its first instant and its count", async () => {
    await using stage = daemonStage({ tasks: `  kbSync: { command: ${shell(counting("kbSync"))}, every: 1h }` });
    seen(stage, 2 * HOUR, "kbSync");
    const hold = await stage.hold();
    const first = await stage.daemon();
    await deferredTo(stage, "kbSync", 5);
    await first.end("SIGKILL");
    const before = streakOf(stage, "kbSync");
    const second = await stage.daemon();
    await deferredTo(stage, "kbSync", (before?.count ?? 0) + 5);
    expect(streakOf(stage, "kbSync")).toMatchObject({ openedAt: before?.openedAt, holdingOwner: "hog", holdingPid: hold.pid });
    // What was told before the kill is not told again.
    expect(logOf(second).filter(({ task, message }) => task === "kbSync" && message.startsWith("Deferring"))).toEqual([]);
    await hold.release();
    await stage.begun("kbSync", 1);
    await expect.poll(() => streakOf(stage, "kbSync"), { timeout: 30_000, interval: 20 }).toBe(undefined);
    await second.end("SIGTERM");
  });
});

const DAMAGE: readonly (readonly [string, (path: string) => void])[] = [
  ["junk", (path) => writeFileSync(path, "no database at all, and as long as one. ".repeat(1000))],
  ["cut short", (path) => truncateSync(path, Math.floor(statSync(path).size / 2) + 100)],
];

describe("a ledger that cannot be read", () => {
  it.each(DAMAGE)("%s: is moved aside and said, and the daemon goes on with a new one", async (_what, damage) => {
    await using stage = daemonStage({ tasks: `  tick: { command: ${shell(counting("tick"))}, every: 1s }` });
    const first = await stage.daemon();
    await stage.begun("tick", 1);
    await first.end("SIGTERM");
    damage(inState(stage, "ledger.db"));
    const second = await stage.daemon();
    await second.saw(/The ledger could not be read .*was moved to .*ledger\.broken-\d+.*begins anew/);
    await stage.begun("tick", stage.starts("tick") + 2);
    await second.saw(/Completed tick/);
    expect((await second.end("SIGTERM")).exitCode).toBe(0);
    expect(readdirSync(stage.stateDir).filter((name) => /^ledger\.broken-\d+$/.test(name))).toHaveLength(1);
    expect(runsOf(stage, "tick").filter(({ outcome }) => outcome === "completed").length).toBeGreaterThan(0);
  });
});

describe("a lease whose store is removed under a running daemon", () => {
  it("fails heavy tasks by name and runs none of them, lets light ones run, and `lease repair` mends it while the daemon lives", async () => {
    await using stage = daemonStage({
      tasks: [
        `  kbSync: { command: ${shell(counting("kbSync"))}, every: 1s }`,
        `  tick: { command: ${shell(counting("tick"))}, every: 1s }`,
      ].join("\n"),
    });
    const daemon = await stage.daemon();
    await stage.begun("kbSync", 1);
    // At one blow: whoever holds it at this moment makes files in it.
    renameSync(inState(stage, "lease"), stage.join("removed"));
    const failed = (): number =>
      runsOf(stage, "kbSync").filter(({ reasonCode }) => reasonCode === "heavy-maintenance-lease-acquire-error").length;
    await expect.poll(failed, { timeout: 30_000, interval: 20 }).toBeGreaterThanOrEqual(2);
    const starts = stage.starts("kbSync");
    await daemon.saw(
      /Cannot acquire the heavy-maintenance lease for knowledge base sync: .*was removed|Cannot acquire the heavy-maintenance lease for knowledge base sync/,
    );
    await stage.begun("tick", stage.starts("tick") + 2);
    await expect.poll(failed, { timeout: 30_000, interval: 20 }).toBeGreaterThanOrEqual(4);
    expect(stage.starts("kbSync")).toBe(starts);
    expect(existsSync(inState(stage, "lease"))).toBe(false);
    const repaired = await stage.run("lease", "repair", "--json");
    expect(documentOf(repaired, 0)).toMatchObject({ outcome: "repaired" });
    await stage.begun("kbSync", starts + 2);
    expect((await daemon.end("SIGTERM")).exitCode).toBe(0);
    expect(runsOf(stage, "kbSync").some(({ outcome }) => outcome === "completed")).toBe(true);
  });
});

describe("a full disk under the state folder", () => {
  interface FullDisk {
    readonly stage: DaemonStage;
    readonly daemon: RunningProgram;
    /** Keeps it full until the daemon has said so of this. */
    fill(about: RegExp): Promise<void>;
    free(): void;
  }

  async function onSmallDisk(disk: string, kbSync: string): Promise<FullDisk> {
    const stage = daemonStage({
      stateDir: join(disk, "state"),
      tasks: [`  kbSync: { command: ${shell(kbSync)}, every: 1s }`, `  tick: { command: ${shell(counting("tick"))}, every: 1s }`].join(
        "\n",
      ),
    });
    seen(stage, HOUR, "kbSync");
    const daemon = await stage.daemon();
    const filler = join(disk, "filler");
    return {
      stage,
      daemon,
      fill: async (about) => {
        const met = (): boolean => {
          try {
            const { bavail, bsize } = statfsSync(disk);
            if (bavail > 0) writeFileSync(filler, Buffer.alloc(bavail * bsize), { flag: "a" });
          } catch {
            // Whoever made room or took it was faster
          }
          return logOf(daemon).some(({ level, message }) => level === "error" && about.test(message) && /is full|ENOSPC/.test(message));
        };
        await expect.poll(met, { timeout: 60_000, interval: 5 }).toBe(true);
      },
      free: () => rmSync(filler),
    };
  }

  it("ends no daemon: it says so, and tasks run again when there is space", async (test) => {
    using disk = mountTmpfs(3_000_000, test);
    const { stage, daemon, fill, free } = await onSmallDisk(disk.path, counting("kbSync"));
    await using closing = stage;
    expect(closing).toBe(stage);
    await stage.begun("tick", 1);
    await fill(/./);
    free();
    await stage.begun("tick", stage.starts("tick") + 3);
    expect((await daemon.end("SIGTERM")).exitCode).toBe(0);
    expect(runsOf(stage, "tick")[0]?.outcome).not.toBe("running");
    const { lease } = documentOf<{ lease: { state: string } }>(await stage.run("lease", "status", "--json"), 0);
    expect(lease.state).toBe("free");
  });

  it("keeps no lease held by a daemon whose task ended meanwhile", async (test) => {
    using disk = mountTmpfs(3_000_000, test);
    const { stage, fill, free } = await onSmallDisk(disk.path, holding("kbSync"));
    await using closing = stage;
    expect(closing).toBe(stage);
    await stage.begun("kbSync", 1);
    await fill(/./);
    stage.letGo("kbSync");
    await fill(/release the heavy-maintenance lease of knowledge base sync/);
    free();
    await stage.begun("tick", stage.starts("tick") + 3);
    expect(streakOf(stage, "kbSync")).toBe(undefined);
  });
});
