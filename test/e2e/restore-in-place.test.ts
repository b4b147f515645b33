import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { asUser } from "../support/as-user.ts";
import { createBank, moveMoney } from "../support/bank.ts";
import { LAUNCHER } from "../support/holdfast.ts";
import { documentOf, failureOf, makeInstance, type BackupDocument } from "../support/instance.ts";
import { mountAt } from "../support/mount.ts";
import { mountTmpfs } from "../support/mount-tmpfs.ts";
import { makeRestorable, runtimeLog, runtimeScript } from "../support/restorable.ts";
import { runProgram } from "../support/run-program.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { writeTree } from "../support/write-tree.ts";

interface PlanDocument {
  readonly components: readonly {
    readonly component: string;
    readonly target: string;
    readonly moves: readonly { readonly live: string }[];
    readonly untouched: readonly { readonly path: string; readonly reason: string }[];
  }[];
  readonly refusals: readonly { readonly reason: string; readonly overridable: boolean }[];
  readonly warnings: readonly string[];
}

interface RestoredDocument {
  readonly id: string;
  readonly restore: string;
  readonly safety: string | null;
  readonly warnings: readonly string[];
}

/** A process that has a file open, until the scope ends. */
async function holder(path: string, how: "file" | "wal", uid = 0): Promise<AsyncDisposable & { pid: number }> {
  const code =
    how === "file"
      ? `const fd = require("fs").openSync(${JSON.stringify(path)}, "r"); console.log("ready"); process.stdin.resume().on("end", () => process.exit());`
      : `const { DatabaseSync } = require("node:sqlite"); const db = new DatabaseSync(${JSON.stringify(path)}); db.prepare("SELECT count(*) FROM log").get(); console.log("ready"); process.stdin.resume().on("end", () => process.exit());`;
  const argv =
    uid === 0
      ? [process.execPath, "-e", code]
      : ["setpriv", `--reuid=${uid}`, `--regid=${uid}`, "--clear-groups", process.execPath, "-e", code];
  const child = spawn(argv[0] ?? "", argv.slice(1), { stdio: ["pipe", "pipe", "ignore"] });
  await once(child.stdout, "data");
  return {
    pid: child.pid ?? 0,
    [Symbol.asyncDispose]: async () => {
      child.stdin.end();
      await once(child, "close");
    },
  };
}

describe("holdfast restore in place", () => {
  it("puts a whole state back, keeps what was there, says where, and undoes it", async () => {
    using folder = temporaryFolder();
    const instance = await makeRestorable(folder.path);
    const done = documentOf<RestoredDocument>(await instance.run(["restore", instance.id, "--yes", "--json"]), 0);
    expect(instance.see()).toEqual(instance.restored);
    expect(done.safety).toMatch(/_pre-restore$/);
    const undone = await instance.run(["restore", "--undo", "--yes", "--json"]);
    expect(undone.exitCode, undone.stdout).toBe(0);
    expect(instance.see()).toEqual(instance.live);
    expect(failureOf(await instance.run(["restore", "--undo", "--yes", "--json"]), 2).code).toBe("NOTHING_TO_UNDO");
  });

  it("keeps a torn JSON state and a database that is no database any more raw, with the sidecars, before it replaces them", async () => {
    using folder = temporaryFolder();
    const instance = await makeRestorable(folder.path);
    writeFileSync(instance.database, "overwritten by something else entirely, and long enough");
    const log = readFileSync(`${instance.database}-wal`);
    const { safety } = documentOf<RestoredDocument>(await instance.run(["restore", instance.id, "--yes", "--json"]), 0);
    expect(instance.see()).toEqual(instance.restored);
    expect((await instance.run(["restore", safety ?? "", "--to", folder.join("safe")])).exitCode).toBe(0);
    const kept = readdirSync(folder.join("safe"), { recursive: true }).map(String);
    const main = kept.find((path) => path.endsWith("state.db")) ?? "";
    expect(readFileSync(folder.join("safe", main), "utf8")).toContain("overwritten by something else");
    expect(readFileSync(folder.join("safe", `${main}-wal`)).equals(log)).toBe(true);
    const torn = kept.find((path) => path.endsWith("state.json")) ?? "";
    expect(readFileSync(folder.join("safe", torn), "utf8")).toBe('{"turn":2,"torn":');
    // What was kept of a state that somebody wanted to leave is never what "verified" leads back to.
    expect((await instance.run(["verify", safety ?? ""])).exitCode).toBe(0);
    expect(failureOf(await instance.run(["backup", "show", "latest:verified", "--json"]), 2).code).toBe("BACKUP_NOT_FOUND");
  });

  it("shows the plan, names what stays untouched and why, and changes nothing with --dry-run", async () => {
    using folder = temporaryFolder();
    const instance = await makeRestorable(folder.path);
    writeFileSync(join(instance.folder, "data", "memory", "deep", "er", "socket-like"), "x");
    const plan = documentOf<PlanDocument>(await instance.run(["restore", instance.id, "--dry-run", "--json"]), 0);
    const memory = plan.components.find(({ component }) => component === "memory");
    expect(memory?.untouched).toEqual([{ path: "cache", reason: expect.any(String) }]);
    expect(memory?.moves.map(({ live }) => live)).not.toContain(join(instance.folder, "data", "memory"));
    expect(instance.see().files["memory/changed.md"]).toBe("since\n");
    expect(existsSync(join(instance.folder, ".holdfast", "restore", "journal.json"))).toBe(false);
  });

  it("restores one component, and one path, and nothing else", async () => {
    using folder = temporaryFolder();
    const instance = await makeRestorable(folder.path);
    expect((await instance.run(["restore", instance.id, "--component", "state", "--yes"])).exitCode).toBe(0);
    expect(instance.see()).toEqual({ ...instance.live, files: { ...instance.live.files, "state.json": '{"turn":1}\n' } });
    expect((await instance.run(["restore", instance.id, "--path", "memory/changed.md", "--yes"])).exitCode).toBe(0);
    const seen = instance.see();
    expect(seen.files["memory/changed.md"]).toBe("before\n");
    expect(seen.files["memory/added.md"]).toBe("added since\n");
    expect(seen.rows).toBe(instance.live.rows);
  });

  it("stops and starts the runtime around the swap, in this order; --no-restart does neither", async () => {
    using folder = temporaryFolder();
    const stop = runtimeScript(folder.path, "stop", `test -e "${folder.join("data", "RESTORE-IN-PROGRESS.holdfast")}"`);
    const start = runtimeScript(folder.path, "start", `grep -q '"turn":1' "${folder.join("data", "state.json")}"`);
    const instance = await makeRestorable(folder.path, { extra: `runtime: { stop: [${stop}], start: [${start}] }` });
    expect((await instance.run(["restore", instance.id, "--yes"])).exitCode).toBe(0);
    expect(runtimeLog(folder.path)).toEqual(["stop", "start"]);
    expect((await instance.run(["restore", instance.id, "--yes", "--no-restart"])).exitCode).toBe(0);
    expect(runtimeLog(folder.path)).toEqual(["stop", "start"]);
  });

  it("needs --yes where nobody can be asked, and changes nothing without", async () => {
    using folder = temporaryFolder();
    const instance = await makeRestorable(folder.path);
    expect(failureOf(await instance.run(["restore", instance.id, "--json"]), 2).code).toBe("CONFIRMATION_NEEDED");
    expect(instance.see()).toEqual(instance.live);
  });

  it.each([
    [["--undo", "--dry-run"], "--dry-run"],
    [["--undo", "--to", "x"], "--to"],
    [["--undo", "--component", "memory"], "--component"],
    [["--settle", "--path", "x"], "--path"],
    [["--to", "x", "--force"], "--force"],
    [["--to", "x", "--no-restart"], "--no-restart"],
    [["--settle", "latest"], "--settle"],
  ])("refuses %j: an option that has no effect there", async (args, option) => {
    using folder = temporaryFolder();
    const { run } = makeInstance(folder.path, "  main: { path: main.txt }");
    writeFileSync(folder.join("main.txt"), "x");
    const { code, message } = failureOf(
      await run("restore", ...(args.includes("--undo") || args.includes("--settle") ? [] : ["latest"]), ...args, "--yes", "--json"),
      2,
    );
    expect([code, message]).toEqual(["USAGE", expect.stringContaining(option)]);
  });
});

describe("holdfast restore in place refuses", () => {
  it("while a process has a target open, and goes on when it is gone", async () => {
    using folder = temporaryFolder();
    const instance = await makeRestorable(folder.path);
    {
      await using open = await holder(join(instance.folder, "data", "memory", "kept.md"), "file");
      const { code, message } = failureOf(await instance.run(["restore", instance.id, "--yes", "--json"]), 1);
      expect([code, message]).toEqual(["TARGET_HELD", expect.stringContaining(`process ${open.pid}`)]);
      expect(instance.see()).toEqual(instance.live);
    }
    expect((await instance.run(["restore", instance.id, "--yes"])).exitCode).toBe(0);
  });

  it("while another user's process has the database open, which this account cannot see but by its locks", async () => {
    using folder = temporaryFolder();
    chmodSync(folder.path, 0o777);
    const instance = await makeRestorable(folder.path);
    expect((await runProgram(["chown", "-R", "65534:65534", folder.path])).exitCode).toBe(0);
    await using open = await holder(instance.database, "wal");
    const result = await asUser(
      65_534,
      [process.execPath, LAUNCHER, "--config", instance.config, "restore", instance.id, "--yes", "--json"],
      { cwd: folder.path },
    );
    const { error } = result.json<{ error: { code: string; message: string } }>();
    expect(error).toMatchObject({ code: "TARGET_HELD", message: expect.stringContaining(`${open.pid}`) });
  });

  it("a backup of a newer schema, unless it is forced, and says what was gone over", async () => {
    using folder = temporaryFolder();
    const database = folder.join("state.db");
    const version = (to: number): void => {
      using opened = new DatabaseSync(database);
      opened.exec(`CREATE TABLE IF NOT EXISTS t (x); PRAGMA user_version = ${to}`);
    };
    version(7);
    const { run } = makeInstance(folder.path, "  persistence: { path: state.db }");
    const { id } = documentOf<BackupDocument>(await run("backup", "--json"), 0);
    version(5);
    expect(failureOf(await run("restore", id, "--yes", "--json"), 1)).toMatchObject({
      code: "RESTORE_REFUSED",
      message: expect.stringContaining("schema version 7"),
    });
    const forced = documentOf<RestoredDocument>(await run("restore", id, "--yes", "--force", "--json"), 0);
    expect(forced.warnings).toContainEqual(expect.stringContaining("gone over by --force"));
  });

  it("half of a set: a component that was to be in the backup and is not (langgenius/dify#15369)", async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, { "main.txt": "1", "memory/a": "a" });
    const { run } = makeInstance(folder.path, "  main: { path: main.txt }\n  memory: { path: memory, importance: high }");
    renameSync(folder.join("memory"), folder.join("memory.away"));
    const { id } = documentOf<BackupDocument>(await run("backup", "--json"), 3);
    renameSync(folder.join("memory.away"), folder.join("memory"));
    writeFileSync(folder.join("main.txt"), "2");
    expect(failureOf(await run("restore", id, "--yes", "--json"), 1).message).toContain("half of a set");
    expect(readFileSync(folder.join("main.txt"), "utf8")).toBe("2");
    documentOf(await run("restore", id, "--component", "main", "--yes", "--json"), 0);
    expect(readFileSync(folder.join("main.txt"), "utf8")).toBe("1");
  });

  it("to run twice at once: the second exits 5", async () => {
    using folder = temporaryFolder();
    const stop = runtimeScript(folder.path, "stop", `while [ ! -e "${folder.join("go")}" ]; do sleep 0.05; done`);
    const start = runtimeScript(folder.path, "start", "exit 0");
    const instance = await makeRestorable(folder.path, { extra: `runtime: { stop: [${stop}], start: [${start}] }` });
    const first = instance.run(["restore", instance.id, "--yes", "--json"]);
    while (!runtimeLog(folder.path).includes("stop")) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(failureOf(await instance.run(["restore", instance.id, "--yes", "--json"]), 5).code).toBe("LEASE_HELD");
    expect(failureOf(await instance.run(["backup", "--json"]), 5).code).toBe("LEASE_HELD");
    expect(failureOf(await instance.run(["prune", "--json"]), 5).code).toBe("LEASE_HELD");
    writeFileSync(folder.join("go"), "");
    expect((await first).exitCode).toBe(0);
  });

  it("a damaged backup: nothing live was touched, and nothing is left beside it", async () => {
    using folder = temporaryFolder();
    const instance = await makeRestorable(folder.path);
    const stored = join(instance.folder, "backups", instance.id, "memory", "kept.md");
    chmodSync(stored, 0o600);
    writeFileSync(stored, "KEPT\n");
    expect(failureOf(await instance.run(["restore", instance.id, "--yes", "--json"]), 4).code).toBe("BACKUP_DAMAGED");
    expect(instance.see()).toEqual(instance.live);
    expect(readdirSync(join(instance.folder, "data")).filter((name) => name.includes("holdfast"))).toEqual([]);
  });
});

describe("holdfast restore in place among mounts", () => {
  it("refuses a bind-mounted file, and writes it over with --in-place; undo brings the old content back", async (context) => {
    using folder = temporaryFolder();
    writeTree(folder.path, { "host/state.json": '{"n":1}\n', "data/state.json": "" });
    using _ = mountAt(folder.join("data", "state.json"), ["--bind", folder.join("host", "state.json")], context);
    const { run } = makeInstance(folder.path, "  state: { path: data/state.json }");
    const { id } = documentOf<BackupDocument>(await run("backup", "--json"), 0);
    writeFileSync(folder.join("host", "state.json"), '{"n":2, "more": true}\n');
    const { ino } = statSync(folder.join("host", "state.json"));
    expect(failureOf(await run("restore", id, "--yes", "--json"), 1)).toMatchObject({
      code: "RESTORE_REFUSED",
      hint: expect.stringContaining("--in-place"),
    });
    documentOf(await run("restore", id, "--yes", "--in-place", "--json"), 0);
    expect(readFileSync(folder.join("host", "state.json"), "utf8")).toBe('{"n":1}\n');
    expect(statSync(folder.join("host", "state.json")).ino).toBe(ino);
    documentOf(await run("restore", "--undo", "--yes", "--json"), 0);
    expect(readFileSync(folder.join("host", "state.json"), "utf8")).toBe('{"n":2, "more": true}\n');
  });

  it("stages inside a target that is a mount point, on its own file system", async (context) => {
    using folder = temporaryFolder();
    using disk = mountTmpfs(4 * 1024 * 1024, context);
    writeTree(disk.path, { "a.md": "1", "deep/b.md": "1" });
    symlinkSync(disk.path, folder.join("memory"));
    const { run } = makeInstance(folder.path, "  memory: { path: memory }");
    const { id } = documentOf<BackupDocument>(await run("backup", "--json"), 0);
    writeTree(disk.path, { "a.md": "2", "deep/b.md": "2", "new.md": "2" });
    documentOf(await run("restore", id, "--yes", "--json"), 0);
    expect(readFileSync(join(disk.path, "a.md"), "utf8") + readFileSync(join(disk.path, "deep", "b.md"), "utf8")).toBe("11");
    expect(existsSync(join(disk.path, "new.md"))).toBe(false);
  });

  it("names a full disk before anything live is touched", async (context) => {
    using folder = temporaryFolder();
    using disk = mountTmpfs(1024 * 1024, context);
    writeFileSync(join(disk.path, "big.bin"), Buffer.alloc(600 * 1024, 1));
    const { run } = makeInstance(folder.path, `  big: { path: ${join(disk.path, "big.bin")} }`);
    const { id } = documentOf<BackupDocument>(await run("backup", "--json"), 0);
    expect(failureOf(await run("restore", id, "--yes", "--json"), 1).code).toBe("NO_SPACE");
    expect(readdirSync(disk.path)).toEqual(["big.bin"]);
  });
});

describe("holdfast restore --online", () => {
  it("writes into a database that is in use: same inode, WAL mode stays, and the open connection sees it", async () => {
    using folder = temporaryFolder();
    const bank = createBank(folder.join("state.db"));
    for (let n = 0; n < 5; n += 1) moveMoney(bank);
    const { run } = makeInstance(folder.path, "  persistence: { path: state.db }");
    const { id } = documentOf<BackupDocument>(await run("backup", "--json"), 0);
    for (let n = 0; n < 20; n += 1) moveMoney(bank);
    const { ino } = statSync(folder.join("state.db"));
    documentOf(await run("restore", id, "--online", "--yes", "--json"), 0);
    expect(bank.prepare("SELECT max(number) AS last FROM log").get()).toEqual({ last: 5 });
    expect(bank.prepare("PRAGMA journal_mode").get()).toEqual({ journal_mode: "wal" });
    expect(statSync(folder.join("state.db")).ino).toBe(ino);
    documentOf(await run("restore", "--undo", "--yes", "--json"), 0);
    expect(bank.prepare("SELECT max(number) AS last FROM log").get()).toEqual({ last: 25 });

    bank.exec("BEGIN IMMEDIATE");
    expect(failureOf(await run("restore", id, "--online", "--yes", "--json"), 1).code).toBe("TARGET_HELD");
    bank.exec("ROLLBACK");
    expect(bank.prepare("SELECT max(number) AS last FROM log").get()).toEqual({ last: 25 });
    bank.close();
  });

  it("refuses what is no database", async () => {
    using folder = temporaryFolder();
    writeFileSync(folder.join("main.txt"), "x");
    const { run } = makeInstance(folder.path, "  main: { path: main.txt }");
    const { id } = documentOf<BackupDocument>(await run("backup", "--json"), 0);
    expect(failureOf(await run("restore", id, "--online", "--yes", "--json"), 2).code).toBe("USAGE");
  });
});

describe("holdfast restore of a command's output", () => {
  const component = "  dump: { command: [cat, live.txt], as: dump.txt, restore: [./put] }";

  it("gives it to the restore command, last, and undoes it from the safety backup", async () => {
    using folder = temporaryFolder();
    writeFileSync(folder.join("live.txt"), "one");
    runtimeScript(folder.path, "put", `cat > "${folder.join("live.txt")}"`);
    const { run } = makeInstance(folder.path, component);
    const { id } = documentOf<BackupDocument>(await run("backup", "--json"), 0);
    writeFileSync(folder.join("live.txt"), "two");
    documentOf(await run("restore", id, "--yes", "--json"), 0);
    expect(readFileSync(folder.join("live.txt"), "utf8")).toBe("one");
    documentOf(await run("restore", "--undo", "--yes", "--json"), 0);
    expect(readFileSync(folder.join("live.txt"), "utf8")).toBe("two");
  });

  it("that fails: what it did is undone from the safety backup, and files are as before", async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, { "live.txt": "one", "main.txt": "one" });
    runtimeScript(folder.path, "put", `cat > "${folder.join("live.txt")}"; grep -q two "${folder.join("live.txt")}"`);
    const { run } = makeInstance(folder.path, `  main: { path: main.txt }\n${component}`);
    const { id } = documentOf<BackupDocument>(await run("backup", "--json"), 0);
    writeTree(folder.path, { "live.txt": "two", "main.txt": "two" });
    expect(failureOf(await run("restore", id, "--yes", "--json"), 1).code).toBe("RESTORE_COMMAND_FAILED");
    expect(readFileSync(folder.join("live.txt"), "utf8") + readFileSync(folder.join("main.txt"), "utf8")).toBe("twotwo");
  });

  it("killed while it ran: settling undoes it from the safety backup, and never says that all is well without", async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, { "live.txt": "one", "main.txt": "one" });
    runtimeScript(folder.path, "put", `cat > "${folder.join("live.txt")}"`);
    const { run, runWith } = makeInstance(folder.path, `  main: { path: main.txt }\n${component}`);
    const { id } = documentOf<BackupDocument>(await run("backup", "--json"), 0);
    writeTree(folder.path, { "live.txt": "two", "main.txt": "two" });
    for (const point of ["in-place-moved-all", "in-place-other-begun"]) {
      const killed = await runWith({ env: { HOLDFAST_CRASHPOINT: point } }, "restore", id, "--yes");
      expect(killed.signal).toBe("SIGKILL");
      appendFileSync(folder.join("live.txt"), " half-way");
      if (point === "in-place-moved-all") writeFileSync(folder.join("live.txt"), "two");
      const settled = documentOf<{ settled: { outcome: string } }>(await run("restore", "--settle", "--json"), 0);
      expect(settled.settled.outcome).toBe("old");
      expect(readFileSync(folder.join("live.txt"), "utf8") + readFileSync(folder.join("main.txt"), "utf8")).toBe("twotwo");
    }
  });
});

describe("holdfast restore in place and retention", () => {
  it("restores the oldest backup although count and age would prune it, and the restore does not take it away", async () => {
    using folder = temporaryFolder();
    writeFileSync(folder.join("main.txt"), "0");
    const config = "  main: { path: main.txt }";
    const { run } = makeInstance(folder.path, config);
    const first = documentOf<BackupDocument>(await run("backup", "--json"), 0);
    for (const text of ["1", "2"]) {
      writeFileSync(folder.join("main.txt"), text);
      documentOf(await run("backup", "--json"), 0);
    }
    const narrow = readFileSync(folder.join("holdfast.yaml"), "utf8").replace(
      "compression: true",
      "compression: true, retention: { max_count: 1 }",
    );
    writeFileSync(folder.join("holdfast.yaml"), narrow);
    documentOf(await run("restore", first.id, "--yes", "--json"), 0);
    expect(readFileSync(folder.join("main.txt"), "utf8")).toBe("0");
    expect((await run("backup", "show", first.id)).exitCode).toBe(0);
  });
});
