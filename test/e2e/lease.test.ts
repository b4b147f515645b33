import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { isRunning, identityOfProcess, lookAtProcess } from "../../src/kernel/index.ts";
import { sqliteLease, type LeaseView } from "../../src/lease/index.ts";
import { daemonStage, holding, inState, shell, type DaemonStage } from "../support/daemon-stage.ts";
import { LAUNCHER } from "../support/holdfast.ts";
import { documentOf, failureOf } from "../support/instance.ts";
import { makeRestorable, runtimeScript } from "../support/restorable.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

interface LeaseDocument {
  readonly lease: LeaseView | null;
  readonly waiters: readonly { readonly owner: string; readonly pid: number; readonly since: string }[];
  readonly deferred: readonly { readonly task: string }[];
}

async function leaseOf(stage: Pick<DaemonStage, "run">): Promise<LeaseDocument> {
  return documentOf<LeaseDocument>(await stage.run("lease", "status", "--json"), 0);
}

function leaseRun(...command: string[]): string[] {
  return ["lease", "run", "--owner", "script", "--", ...command];
}

describe("holdfast lease run", () => {
  it("exits with the code of its command, 128 and the number of the signal that ended it, 127 when there is none, 126 when it cannot be run", async () => {
    await using stage = daemonStage();
    const codes = [];
    for (const command of [
      ["true"],
      ["sh", "-c", "exit 7"],
      ["sh", "-c", "kill -KILL $$"],
      ["sh", "-c", "kill -TERM $$"],
      ["./there-is-no-such-program"],
      [stage.config],
    ]) {
      // oxlint-disable-next-line no-await-in-loop -- they would keep each other out
      codes.push((await stage.run(...leaseRun(...command))).exitCode);
    }
    expect(codes).toEqual([0, 7, 137, 143, 127, 126]);
    expect((await leaseOf(stage)).lease).toMatchObject({ state: "free", stored: "free" });
  });

  it("hands arguments on as they are: spaces, quotes, stars, an empty one, `--`, and options that look like its own", async () => {
    await using stage = daemonStage();
    const args = ["a b", "$HOME", "*", "", 'it\'s "quoted"', "--", "--json", "--wait", "-y", "\\n"];
    const run = await stage.run(...leaseRun("printf", "<%s>", ...args));
    expect(run.stdout).toBe(args.map((arg) => `<${arg}>`).join(""));
    expect(run.exitCode).toBe(0);
  });

  it("gives its command its own input, output and working directory, and says nothing itself, with --json neither", async () => {
    await using stage = daemonStage();
    const input = "x".repeat(1_000_000);
    const run = await stage.runWith({ input, cwd: "/usr" }, "--json", ...leaseRun("sh", "-c", "pwd; pwd >&2; cat"));
    expect(run.stdout === `/usr\n${input}`).toBe(true);
    expect(run.stderr).toBe("/usr\n");
    expect(run.exitCode).toBe(0);
  });

  it("deferred: exits with 5, says so in one line, and never runs the command; with --json in one object", async () => {
    await using stage = daemonStage();
    const hold = await stage.hold("kbSync");
    const text = await stage.run(...leaseRun("touch", stage.join("ran")));
    expect(text.exitCode).toBe(5);
    expect(text.stdout).toBe("");
    expect(text.stderr.split("\n")).toEqual([
      expect.stringMatching(
        new RegExp(`^holdfast: deferred script: The heavy-maintenance lease is held by kbSync, pid ${hold.pid}, since .*`),
      ),
      "",
    ]);
    const json = await stage.run("--json", ...leaseRun("touch", stage.join("ran")));
    expect(documentOf(json, 5)).toEqual({
      schema: "holdfast.lease-run/1",
      outcome: "deferred",
      reasonCode: "heavy-maintenance-lease-held",
      owner: "script",
      holdingOwner: "kbSync",
      holdingPid: hold.pid,
      since: expect.stringMatching(/^\d{4}-.*Z$/),
      reservedFor: null,
      contended: false,
    });
    expect(existsSync(stage.join("ran"))).toBe(false);
    await hold.release();
    expect((await stage.run(...leaseRun("touch", stage.join("ran")))).exitCode).toBe(0);
    expect(existsSync(stage.join("ran"))).toBe(true);
  });

  it("--wait waits, is seen by `lease status` while it does, and then runs; one whose time is over is deferred", async () => {
    await using stage = daemonStage();
    const hold = await stage.hold();
    const waiting = stage.start(["lease", "run", "--owner", "patient", "--wait", "5m", "--", "sh", "-c", "echo it runs"]);
    await waiting.saw(/Waiting: The heavy-maintenance lease is held by hog/);
    const { waiters } = await leaseOf(stage);
    expect(waiters).toEqual([{ owner: "patient", pid: waiting.pid, since: expect.stringMatching(/Z$/) }]);
    const text = await stage.run("lease", "status");
    expect(text.stdout).toContain(`  waits   patient, pid ${waiting.pid}, for `);
    const impatient = await stage.run("lease", "run", "--owner", "impatient", "--wait", "50ms", "--", "touch", stage.join("ran"));
    expect(impatient.exitCode).toBe(5);
    expect(existsSync(stage.join("ran"))).toBe(false);
    await hold.release();
    expect(await waiting.ended).toEqual({ exitCode: 0, signal: null });
    expect(waiting.stdout()).toBe("it runs\n");
    expect((await leaseOf(stage)).waiters).toEqual([]);
  });

  it("a waiter that was killed is seen no more, and one that is told to stop while it waits runs nothing", async () => {
    await using stage = daemonStage();
    const hold = await stage.hold();
    const command = ["lease", "run", "--owner", "patient", "--wait", "5m", "--", "touch", stage.join("ran")];
    const killed = stage.start(command);
    await killed.saw(/Waiting/);
    await killed.end("SIGKILL");
    expect((await leaseOf(stage)).waiters).toEqual([]);
    const stopped = stage.start(command);
    await stopped.saw(/Waiting/);
    expect((await stopped.end("SIGTERM")).exitCode).toBe(130);
    expect((await leaseOf(stage)).waiters).toEqual([]);
    await hold.release();
    expect(existsSync(stage.join("ran"))).toBe(false);
  });

  it("joins the lease that it was started under, and so does a backup, whatever lies between", async () => {
    await using stage = daemonStage();
    const launcher = `"${process.execPath}" "${LAUNCHER}" --config "${stage.config}"`;
    const nested = `${launcher} lease run --owner inner -- sh -c '${launcher} backup && ${launcher} lease status --json' && echo outer`;
    const run = await stage.run(...leaseRun("sh", "-c", nested));
    expect(run.exitCode, run.stderr).toBe(0);
    expect(run.stderr).not.toContain("HOLDFAST_LEASE");
    const [id = ""] = run.stdout.split("\n");
    expect(readdirSync(stage.vault)).toContain(id);
    expect(run.stdout.endsWith("outer\n")).toBe(true);
    const { lease } = JSON.parse(run.stdout.slice(id.length, -"outer\n".length)) as LeaseDocument;
    // What ran inside ran under the outermost one's, and its end released nothing.
    expect(lease).toMatchObject({ state: "held", owner: "script" });
    expect((await leaseOf(stage)).lease).toMatchObject({ state: "free", generation: lease?.generation });
  });

  it("SIGTERM reaches its command, and the code that this one chooses comes back", async () => {
    await using stage = daemonStage();
    const run = stage.start(leaseRun("sh", "-c", "trap 'echo told; exit 4' TERM; echo ready; while :; do sleep 0.02; done"));
    await run.saw(/ready/);
    expect(await run.end("SIGTERM")).toEqual({ exitCode: 4, signal: null });
    expect(run.stdout()).toBe("ready\ntold\n");
    expect((await leaseOf(stage)).lease).toMatchObject({ state: "free" });
  });

  it("killed while its command works: nobody gets in until that one is gone, and then the lease is free", async () => {
    await using stage = daemonStage();
    const hold = await stage.hold();
    await hold.program.end("SIGKILL");
    expect(lookAtProcess(hold.child)?.ended).toBe(false);
    expect(failureOf(await stage.run("backup", "--json"), 5).code).toBe("LEASE_HELD");
    const { lease } = await leaseOf(stage);
    expect(lease).toMatchObject({ state: "held", owner: "hog", pid: hold.pid });
    expect(lease?.alive.map(({ pid }) => pid)).toContain(hold.child);
    const child = identityOfProcess(hold.child);
    stage.letGo("hold-1");
    await expect.poll(() => isRunning(child), { timeout: 30_000, interval: 5 }).toBe(false);
    const taken = await stage.run("backup");
    expect(taken.exitCode, taken.stderr).toBe(0);
    expect(taken.stderr).toContain("died without releasing");
  });

  it("a token of a lease that has ended falls through to one of its own, and says so on standard error", async () => {
    await using stage = daemonStage();
    const stale = (await stage.run(...leaseRun("printenv", "HOLDFAST_LEASE"))).stdout.trim();
    expect(stale).toMatch(/^[0-9a-f]{12}-/);
    const env = { HOLDFAST_LEASE: stale };
    const run = await stage.runWith({ env }, ...leaseRun("printenv", "HOLDFAST_LEASE"));
    expect(run.exitCode).toBe(0);
    expect(run.stderr).toBe("holdfast: the lease of HOLDFAST_LEASE has ended, so that one of its own was asked for\n");
    expect(run.stdout.trim()).not.toBe(stale);
    const backup = await stage.runWith({ env }, "backup");
    expect(backup.exitCode).toBe(0);
    expect(backup.stderr).toContain("The lease of HOLDFAST_LEASE has ended");
    const hold = await stage.hold();
    const deferred = await stage.runWith({ env }, ...leaseRun("touch", stage.join("ran")));
    expect(deferred.exitCode).toBe(5);
    expect(deferred.stderr).toContain("HOLDFAST_LEASE has ended");
    expect(existsSync(stage.join("ran"))).toBe(false);
    await hold.release();
  });

  it("refuses what is no owner, no duration, and no command, by name and with exit code 2", async () => {
    await using stage = daemonStage();
    expect(failureOf(await stage.run("lease", "run", "--json", "--owner", "a\nb", "--", "true"), 2).message).toContain(
      "Not a name for an owner",
    );
    expect(failureOf(await stage.run("lease", "run", "--json", "--owner", "a", "--wait", "soon", "--", "true"), 2).message).toContain(
      '"soon"',
    );
    expect(failureOf(await stage.run("lease", "run", "--json", "--", "true"), 2).message).toContain("--owner");
    expect(failureOf(await stage.run("lease", "run", "--json", "--owner", "a"), 2).code).toBe("USAGE");
    expect(existsSync(inState(stage, "lease"))).toBe(false);
  });
});

describe("holdfast lease status", () => {
  it("shows owner, since, doing, who lives, and who waits; free; and that nobody ever held it, without making anything", async () => {
    await using stage = daemonStage();
    expect((await stage.run("lease", "status")).stdout).toBe("The lease is free: nobody ever held it\n");
    expect(await leaseOf(stage)).toMatchObject({ lease: null, waiters: [], deferred: [] });
    expect(existsSync(stage.stateDir)).toBe(false);
    const hold = await stage.hold("nightly sync");
    const { lease } = await leaseOf(stage);
    expect(lease).toMatchObject({
      state: "held",
      stored: "held",
      owner: "nightly sync",
      reason: "lease run",
      pid: hold.pid,
      fence: null,
      reservedFor: null,
    });
    expect(lease?.doing).toContain("sh -c");
    expect(Math.abs(Date.now() - Date.parse(lease?.since ?? ""))).toBeLessThan(120_000);
    expect(lease?.alive).toEqual(
      expect.arrayContaining([
        { pid: hold.pid, role: "holder", label: "nightly sync" },
        { pid: hold.child, role: "child", label: expect.stringContaining("sh -c") },
      ]),
    );
    const { stdout } = await stage.run("lease", "status");
    for (const line of [
      new RegExp(`^held, generation ${lease?.generation}$`, "m"),
      new RegExp(`^  owner   nightly sync, pid ${hold.pid} on .+$`, "m"),
      /^  since   \d{4}-\d\d-\d\dT[\d:.]+Z \(.+\)$/m,
      /^  reason  lease run$/m,
      /^  doing   sh -c .+ \(said .+ ago\)$/m,
      new RegExp(`^  alive   pid ${hold.child}, child: sh -c`, "m"),
    ])
      expect(stdout).toMatch(line);
    await hold.release();
    expect((await stage.run("lease", "status")).stdout).toMatch(/^free, generation \d+\n$/);
  });

  it("shows a lease that was released while what its holder started works on", async () => {
    await using stage = daemonStage();
    // In the process group of the command, which ends before it.
    const run = await stage.run(
      ...leaseRun("sh", "-c", `( ${holding("rest")} ) > /dev/null 2>&1 & while [ ! -e rest.starts ]; do sleep 0.02; done`),
    );
    expect(run.exitCode).toBe(0);
    const { lease } = await leaseOf(stage);
    expect(lease).toMatchObject({ state: "draining", stored: "draining", owner: "script" });
    expect((await stage.run("lease", "status")).stdout).toMatch(/^released, and held by what its holder started, generation \d+$/m);
    expect(failureOf(await stage.run("backup", "--json"), 5).code).toBe("LEASE_HELD");
    const left = (lease?.alive ?? []).map(({ pid }) => identityOfProcess(pid));
    expect(left.length).toBeGreaterThan(0);
    stage.letGo("rest");
    await expect.poll(() => left.some((one) => isRunning(one)), { timeout: 30_000, interval: 5 }).toBe(false);
    expect((await leaseOf(stage)).lease).toMatchObject({ state: "free", stored: "draining" });
    expect((await stage.run("backup")).exitCode).toBe(0);
  });

  it("shows what a backup does and how far it is, which waits for a component", async () => {
    await using stage = daemonStage({ components: `  dump: { command: ${shell(`${holding("dump")}; echo done`)}, as: dump.txt }` });
    const backup = stage.start(["backup"]);
    await stage.begun("dump", 1);
    const doing = async (): Promise<string | null | undefined> => (await leaseOf(stage)).lease?.doing;
    await expect.poll(doing, { timeout: 30_000 }).toMatch(/\S/);
    const { lease } = await leaseOf(stage);
    expect(lease).toMatchObject({ state: "held", owner: "backup", reason: "manual", pid: backup.pid });
    expect((await stage.run("lease", "status")).stdout).toMatch(/^  doing   \S.*\(said .+ ago\)$/m);
    expect(failureOf(await stage.run("backup", "--json"), 5).details).toMatchObject({
      holdingOwner: "backup",
      holdingPid: backup.pid,
      doing: lease?.doing,
    });
    stage.letGo("dump");
    expect((await backup.ended).exitCode).toBe(0);
  });
});

describe("holdfast lease break", () => {
  it("without --yes and without a terminal breaks nothing, and exits with 2", async () => {
    await using stage = daemonStage();
    const hold = await stage.hold();
    const { lease } = await leaseOf(stage);
    expect(failureOf(await stage.run("lease", "break", "--json"), 2).code).toBe("CONFIRMATION_NEEDED");
    expect((await stage.run("lease", "break", "--kill")).exitCode).toBe(2);
    expect(await leaseOf(stage)).toMatchObject({ lease: { state: "held", generation: lease?.generation, pid: hold.pid } });
    await hold.release();
  });

  it("--yes takes it from a holder that hangs, names what still runs, and the holder's own backup commits nothing any more", async () => {
    await using stage = daemonStage({ components: `  dump: { command: ${shell(`${holding("dump")}; echo done`)}, as: dump.txt }` });
    const backup = stage.start(["backup", "--json"]);
    await stage.begun("dump", 1);
    const { lease } = await leaseOf(stage);
    backup.signal("SIGSTOP");
    const broken = documentOf<{ outcome: string; survivors: { pid: number }[]; killed: number[] }>(
      await stage.run("lease", "break", "--yes", "--json"),
      0,
    );
    expect(broken).toMatchObject({ outcome: "broken", killed: [] });
    expect(broken.survivors.map(({ pid }) => pid)).toContain(backup.pid);
    expect((await stage.run(...leaseRun("true"))).exitCode).toBe(0);
    stage.letGo("dump");
    backup.signal("SIGCONT");
    expect((await backup.ended).exitCode).toBe(1);
    expect(JSON.parse(backup.stdout())).toMatchObject({ error: { code: "LEASE_LOST", details: { generation: lease?.generation } } });
    expect(documentOf<{ backups: unknown[] }>(await stage.run("backup", "list", "--json"), 0).backups).toEqual([]);
  });

  it("--kill ends the holder and the whole group that it started", async () => {
    await using stage = daemonStage();
    const hold = await stage.hold();
    const child = identityOfProcess(hold.child);
    const broken = await stage.run("lease", "break", "--kill", "--yes");
    expect(broken.exitCode, broken.stderr).toBe(0);
    expect(broken.stdout).toMatch(/^Ended: pid .*\d/m);
    await hold.program.ended;
    expect(isRunning(child)).toBe(false);
    expect(stage.processes()).toEqual([]);
    expect((await stage.run("lease", "break", "--yes")).stdout).toContain("Nobody holds it: nothing to break");
    expect((await stage.run("backup")).exitCode).toBe(0);
  });
});

/** Every command that takes the lease, and would leave `ran` or change something. */
const ACQUIRING = [
  ["lease", "run", "--owner", "script", "--json", "--", "touch", "ran"],
  ["backup", "--json"],
  ["prune", "--json"],
  ["task", "run", "backup", "--json"],
] as const;

describe("a lease whose store was removed", () => {
  it("is an error for every command that takes it, and nothing runs; `lease repair` mends it, with a higher number", async () => {
    await using stage = daemonStage();
    expect((await stage.run("backup")).exitCode).toBe(0);
    const { lease: before } = await leaseOf(stage);
    rmSync(inState(stage, "lease"), { recursive: true });
    const listed = readdirSync(stage.vault);
    for (const command of ACQUIRING) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      const failure = failureOf(await stage.run(...command), 1);
      expect(failure.code, command.join(" ")).toBe("LEASE_STORE_MISSING");
      expect(failure.hint).toContain("lease repair");
    }
    const restore = failureOf(await stage.run("restore", "latest", "--yes", "--json"), 1);
    expect(restore.code).toBe("LEASE_STORE_MISSING");
    expect(failureOf(await stage.run("lease", "status", "--json"), 1).code).toBe("LEASE_STORE_MISSING");
    expect(existsSync(stage.join("ran"))).toBe(false);
    expect(readdirSync(stage.vault)).toEqual(listed);
    expect(existsSync(inState(stage, "lease"))).toBe(false);

    expect((await stage.run("lease", "repair")).stdout).toContain("repaired");
    const { lease: after } = await leaseOf(stage);
    expect(after?.generation).toBeGreaterThan(before?.generation ?? Infinity);
    expect((await stage.run("lease", "repair")).stdout).toContain("sound");
    expect((await stage.run("backup")).exitCode).toBe(0);
  });

  it("is not mended while somebody who was let in before is alive, holder or child of one that was killed", async () => {
    await using stage = daemonStage();
    const hold = await stage.hold();
    // At one blow: its holder makes files in it.
    renameSync(inState(stage, "lease"), stage.join("removed"));
    const refused = failureOf(await stage.run("lease", "repair", "--json"), 1);
    expect(refused.code).toBe("LEASE_IN_USE");
    await hold.program.end("SIGKILL");
    const child = identityOfProcess(hold.child);
    expect(failureOf(await stage.run("lease", "repair", "--json"), 1).details).toMatchObject({
      pids: expect.arrayContaining([hold.child]),
    });
    expect(existsSync(inState(stage, "lease"))).toBe(false);
    stage.letGo("hold-1");
    await expect.poll(() => isRunning(child), { timeout: 30_000, interval: 5 }).toBe(false);
    expect((await stage.run("lease", "repair")).exitCode).toBe(0);
    expect((await stage.run("backup")).exitCode).toBe(0);
  });

  it("keeps nobody from looking: list, status, ls, doctor and task list answer, and status and doctor say what is wrong", async () => {
    await using stage = daemonStage();
    expect((await stage.run("backup")).exitCode).toBe(0);
    writeFileSync(inState(stage, "lease", "lease.db"), "this is no database, and long enough to look like one".repeat(100));
    for (const command of [
      ["backup", "list"],
      ["ls", "latest"],
      ["cat", "latest", "state/state.json"],
      ["task", "list"],
      ["task", "history"],
    ]) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      const looked = await stage.run(...command);
      expect(looked.exitCode, `${command.join(" ")}: ${looked.stderr}`).toBe(0);
    }
    const status = await stage.run("status", "--json");
    expect(status.exitCode, status.stdout).toBe(0);
    expect(status.json<{ problems: string[] }>().problems).toEqual([expect.stringMatching(/^lease: /)]);
    const doctor = await stage.run("doctor");
    expect(doctor.stdout).toMatch(/lease/i);
    expect(doctor.exitCode).not.toBe(0);
    expect(failureOf(await stage.run("backup", "--json"), 1).code).toBe("LEASE_STORE_DAMAGED");
  });
});

const HOG = ["lease", "run", "--owner", "hog", "--", "sh", "-c", "touch held; while [ ! -e let-go ]; do sleep 0.02; done"];

describe("commands that take the lease, while somebody else has it", () => {
  it("exit with 5 and LEASE_HELD, and change nothing: backup, prune, restore, restore --undo", async () => {
    using folder = temporaryFolder();
    const restorable = await makeRestorable(folder.path);
    const done = folder.join("let-go");
    const live = restorable.see();
    const hold = restorable.run(HOG);
    await expect.poll(() => existsSync(folder.join("held")), { timeout: 30_000, interval: 5 }).toBe(true);
    const vault = readdirSync(folder.join("backups"));
    for (const command of [["backup"], ["prune"], ["restore", restorable.id, "--yes"]]) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      const refused = failureOf(await restorable.run([...command, "--json"]), 5);
      expect(refused.code).toBe("LEASE_HELD");
      expect(refused.details).toMatchObject({ holdingOwner: "hog", reservedFor: null, contended: false });
      expect(refused.hint).toContain("--wait");
    }
    expect(restorable.see()).toEqual(live);
    expect(readdirSync(folder.join("backups"))).toEqual(vault);
    // What only looks goes on.
    for (const command of [
      ["backup", "list"],
      ["status"],
      ["ls", restorable.id],
      ["verify", restorable.id],
      ["restore", restorable.id, "--dry-run"],
      ["backup", "--dry-run"],
    ]) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      const looked = await restorable.run(command);
      expect([0, 4], `${command.join(" ")}: ${looked.stderr}`).toContain(looked.exitCode);
    }
    writeFileSync(done, "");
    expect((await hold).exitCode).toBe(0);
    expect((await restorable.run(["restore", restorable.id, "--yes"])).exitCode).toBe(0);
    const restored = restorable.see();
    rmSync(done);
    rmSync(folder.join("held"));
    const again = restorable.run(HOG);
    await expect.poll(() => existsSync(folder.join("held")), { timeout: 30_000, interval: 5 }).toBe(true);
    expect(failureOf(await restorable.run(["restore", "--undo", "--yes", "--json"]), 5).code).toBe("LEASE_HELD");
    expect(restorable.see()).toEqual(restored);
    writeFileSync(done, "");
    expect((await again).exitCode).toBe(0);
    expect((await restorable.run(["restore", "--undo", "--yes"])).exitCode).toBe(0);
    expect(restorable.see()).toEqual(live);
  });

  it("backup --wait waits, is seen waiting, and takes the backup when the lease is free", async () => {
    await using stage = daemonStage();
    const hold = await stage.hold();
    const backup = stage.start(["backup", "--wait", "5m"]);
    await backup.saw(/Waiting: The heavy-maintenance lease is held by hog/);
    expect((await leaseOf(stage)).waiters).toEqual([{ owner: "backup", pid: backup.pid, since: expect.any(String) }]);
    await hold.release();
    expect((await backup.ended).exitCode).toBe(0);
    expect(readdirSync(stage.vault)).toContain(backup.stdout().trim());
  });

  it("a lease that is kept for a starving task binds backup and lease run, and no restore", async () => {
    await using stage = daemonStage();
    expect((await stage.run("backup")).exitCode).toBe(0);
    await using keeper = sqliteLease({ stateDir: stage.stateDir, blocking: true });
    expect(await keeper.reserve("kbSync")).toBe(true);
    const refused = failureOf(await stage.run("backup", "--json"), 5);
    expect(refused.details).toMatchObject({ reservedFor: "kbSync" });
    const deferred = await stage.run("--json", ...leaseRun("touch", stage.join("ran")));
    expect(documentOf(deferred, 5)).toMatchObject({ reservedFor: "kbSync", holdingPid: null });
    expect((await stage.run("lease", "status")).stdout).toContain("  kept    for kbSync, which has waited too long");
    const restored = await stage.run("restore", "latest", "--yes");
    expect(restored.exitCode, restored.stderr).toBe(0);
    expect((await leaseOf(stage)).lease).toMatchObject({ state: "free", reservedFor: "kbSync" });
    await keeper.withdraw("kbSync");
    expect((await stage.run("backup")).exitCode).toBe(0);
  });
});

describe("a restore under `lease run` that starts a runtime", () => {
  async function restoreUnderLease(stage: DaemonStage): Promise<number> {
    const pidFile = stage.join("runtime.pid");
    const runtime = `setsid sh -c 'tr "\\0" "\\n" < /proc/$$/environ > runtime.env; ls -l /proc/$$/fd > runtime.fds; echo $$ > "${pidFile}"; while :; do sleep 0.05; done' < /dev/null > /dev/null 2>&1 &`;
    const start = runtimeScript(stage.folder, "start", `cd "${stage.folder}"; ${runtime}`);
    const stop = runtimeScript(stage.folder, "stop", `[ -e "${pidFile}" ] && kill "$(cat "${pidFile}")"; rm -f "${pidFile}"; true`);
    writeFileSync(stage.config, `${readFileSync(stage.config, "utf8")}runtime: { stop: [${stop}], start: [${start}] }\n`);
    expect((await stage.run("backup")).exitCode).toBe(0);
    writeFileSync(stage.join("data", "state.json"), '{"turn":2}\n');
    const run = await stage.run(...leaseRun(process.execPath, LAUNCHER, "--config", stage.config, "restore", "latest", "--yes"));
    expect(run.exitCode, run.stderr).toBe(0);
    await stage.made("runtime.pid");
    expect(readFileSync(stage.join("data", "state.json"), "utf8")).toBe('{"turn":1}\n');
    return Number(stage.read("runtime.pid"));
  }

  it("starts it without a token of the lease, which is free afterwards although the runtime lives", async () => {
    await using stage = daemonStage();
    const pid = await restoreUnderLease(stage);
    expect(stage.read("runtime.env")).toContain("DAEMON_STAGE=");
    expect(stage.read("runtime.env")).not.toContain("HOLDFAST_LEASE");
    expect((await leaseOf(stage)).lease).toMatchObject({ state: "free", stored: "free" });
    expect((await stage.run("backup")).exitCode).toBe(0);
    expect(lookAtProcess(pid)?.ended).toBe(false);
  });

  it("starts it without the descriptor of the lease", async () => {
    await using stage = daemonStage();
    await restoreUnderLease(stage);
    expect(stage.read("runtime.fds")).not.toContain("beacon");
  });
});
