import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { asUser } from "../support/as-user.ts";
import { readBank } from "../support/bank.ts";
import { holdfast, LAUNCHER } from "../support/holdfast.ts";
import { documentOf, failureOf, makeInstance, type BackupDocument } from "../support/instance.ts";
import { mountAt } from "../support/mount.ts";
import { recordTree } from "../support/record-tree.ts";
import type { ProgramResult } from "../support/run-program.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { makeWorkspace } from "../support/workspace.ts";
import { writeTree } from "../support/write-tree.ts";

interface Recovered {
  readonly instance: string;
  readonly damage: readonly string[];
  readonly foreign: readonly string[];
  readonly written: boolean;
  readonly config: {
    readonly file: string;
    readonly already_there: boolean;
    readonly changes: readonly { readonly key: string; readonly before: string | null; readonly after: string }[];
    readonly lost: readonly { readonly key: string; readonly path: string }[];
  };
  readonly components: readonly { readonly component: string; readonly backup: string | null; readonly remark: string | null }[];
  readonly restored: readonly { readonly id: string; readonly safety: string | null }[];
}

/** No configuration is found from here, whatever the test has made. */
async function recover(cwd: string, ...args: string[]): Promise<ProgramResult> {
  return await holdfast(["recover", ...args, "--json"], { cwd });
}

describe("holdfast recover", () => {
  it("brings configuration and state back to where they were, out of a vault and nothing else", async () => {
    using folder = temporaryFolder();
    const { config, database } = makeWorkspace(folder.join("agent"), { vault: folder.join("vault") });
    const rows = readBank(database);
    const text = readFileSync(config, "utf8");
    const { id } = documentOf<BackupDocument>(await holdfast(["--config", config, "backup", "--json"]), 0);
    const owner = readFileSync(folder.join("vault", ".vault", "vault.json"), "utf8");
    rmSync(folder.join("agent"), { recursive: true });
    const done = documentOf<Recovered>(await recover(folder.path, "vault", "--yes"), 0);
    expect(done).toMatchObject({ instance: "acme", written: true, damage: [], config: { file: config, changes: [], lost: [] } });
    expect(done.components.map(({ component, backup, remark }) => [component, backup, remark])).toEqual(
      ["persistence", "memory", "config", "checkpoints"].map((name) => [name, id, null]),
    );
    expect(done.restored).toMatchObject([{ id, safety: null }]);
    expect(readFileSync(config, "utf8")).toBe(text);
    expect(readBank(database)).toEqual(rows);
    expect(readFileSync(folder.join("agent/data/memory/notes/first.md"), "utf8")).toBe("# First\nremember this\n");
    expect(readFileSync(folder.join("vault", ".vault", "vault.json"), "utf8")).toBe(owner);
    // What came back goes on: the next backup has the next number of the same vault.
    expect((await holdfast(["--config", config, "backup"])).exitCode).toBe(0);
    expect((await holdfast(["--config", config, "verify", "--all"])).exitCode).toBe(0);
  });

  it("needs --yes where nobody can be asked, and changes nothing without it or with --dry-run", async () => {
    using folder = temporaryFolder();
    const { config } = makeWorkspace(folder.join("agent"), { vault: folder.join("vault") });
    await holdfast(["--config", config, "backup"]);
    rmSync(folder.join("agent"), { recursive: true });
    const before = recordTree(folder.path);
    expect(failureOf(await recover(folder.path, "vault"), 2).code).toBe("CONFIRMATION_NEEDED");
    const { written } = documentOf<Recovered>(await recover(folder.path, "vault", "--dry-run"), 0);
    expect(written).toBe(false);
    const shown = await holdfast(["recover", "vault", "--dry-run"], { cwd: folder.path });
    expect(shown.stdout).toContain(`put        ${folder.join("agent/data/synthorg.db")}`);
    expect(recordTree(folder.path)).toEqual(before);
  });

  it("into another folder, with other places: changes the configuration where it must, keeps its comments, and shows each change", async () => {
    using folder = temporaryFolder();
    const old = folder.join("old");
    writeTree(old, { "state/db.txt": "rows", "notes/a.md": "a" });
    writeFileSync(
      join(old, "holdfast.yaml"),
      `# ours\nname: agent\ncomponents:\n  db:    { path: ${old}/state/db.txt }   # keep\n  notes: { path: notes }\nbackup: { path: ../vault }\n`,
    );
    await holdfast(["--config", join(old, "holdfast.yaml"), "backup"]);
    renameSync(folder.join("vault"), folder.join("usb"));
    rmSync(old, { recursive: true });
    const done = documentOf<Recovered>(
      await recover(folder.path, "usb", "--to", "new", "--map", `${old}/=${folder.join("elsewhere")}`, "--yes"),
      0,
    );
    expect(done.config.changes).toEqual([
      { key: "components.db.path", before: join(old, "state/db.txt"), after: folder.join("elsewhere/state/db.txt") },
      { key: "backup.path", before: "../vault", after: folder.join("usb") },
    ]);
    expect(done.config.lost).toEqual([{ key: "components.db.path", path: folder.join("elsewhere/state/db.txt") }]);
    const text = readFileSync(folder.join("new/holdfast.yaml"), "utf8");
    expect(text).toContain("# ours\nname: agent\n");
    expect(text).toContain("}   # keep\n");
    expect(readFileSync(folder.join("elsewhere/state/db.txt"), "utf8")).toBe("rows");
    expect(readFileSync(folder.join("new/notes/a.md"), "utf8")).toBe("a");
    expect(existsSync(old)).toBe(false);
    expect((await holdfast(["--config", folder.join("new/holdfast.yaml"), "status"])).exitCode).toBe(0);
  });

  it("a map moves the configuration itself as well, and one that fits nothing is refused", async () => {
    using folder = temporaryFolder();
    const { config } = makeWorkspace(folder.join("agent"), { vault: folder.join("vault") });
    await holdfast(["--config", config, "backup"]);
    rmSync(folder.join("agent"), { recursive: true });
    for (const map of ["/nowhere=/else", "agent=/else", "/nowhere", `${folder.join("age")}=/else`])
      expect(failureOf(await recover(folder.path, "vault", "--map", map, "--yes"), 2).code).toBe("USAGE");
    const map = `${folder.join("agent")}=${folder.join("moved")}`;
    expect(documentOf<Recovered>(await recover(folder.path, "vault", "--map", map, "--yes"), 0).config.file).toBe(
      folder.join("moved/holdfast.yaml"),
    );
    expect(existsSync(folder.join("moved/data/synthorg.db"))).toBe(true);
    expect(readdirSync(folder.path).toSorted()).toEqual(["moved", "vault"]);
  });

  it("--config-only writes the configuration alone; one that is there and differs is never written over", async () => {
    using folder = temporaryFolder();
    const { config } = makeWorkspace(folder.join("agent"), { vault: folder.join("vault") });
    await holdfast(["--config", config, "backup"]);
    documentOf(await recover(folder.path, "vault", "--config-only", "--to", "look"), 0);
    expect(readdirSync(folder.join("look"))).toEqual(["holdfast.yaml"]);
    expect(documentOf<Recovered>(await recover(folder.path, "vault", "--config-only", "--to", "look"), 0)).toMatchObject({
      written: false,
      config: { already_there: true },
    });
    writeFileSync(folder.join("look/holdfast.yaml"), "mine\n");
    expect(failureOf(await recover(folder.path, "vault", "--config-only", "--to", "look"), 1).code).toBe("FILE_EXISTS");
    expect(readFileSync(folder.join("look/holdfast.yaml"), "utf8")).toBe("mine\n");
    const idle = failureOf(await recover(folder.path, "vault", "--config-only", "--owner", "current", "--to", "x"), 2);
    expect(idle.message).toContain("--owner has no effect");
  });

  it("keeps what is live already in a safety backup, and undo brings it back", async () => {
    using folder = temporaryFolder();
    const { run, config } = makeInstance(folder.join("agent"), "  notes: { path: notes, importance: critical }");
    writeTree(folder.join("agent"), { "notes/a.md": "old" });
    await run("backup");
    writeTree(folder.join("agent"), { "notes/a.md": "newer", "notes/b.md": "b" });
    const done = documentOf<Recovered>(await recover(folder.path, "agent/backups", "--yes"), 0);
    expect(done.restored[0]?.safety).toMatch(/_pre-restore$/);
    expect(readFileSync(folder.join("agent/notes/a.md"), "utf8")).toBe("old");
    expect((await holdfast(["--config", config, "restore", "--undo", "--yes"])).exitCode).toBe(0);
    expect(readFileSync(folder.join("agent/notes/b.md"), "utf8")).toBe("b");
    // The state that was left is never what a recovery chooses.
    const again = documentOf<Recovered>(await recover(folder.path, "agent/backups", "--dry-run"), 0);
    expect(again.components[0]?.backup).toMatch(/_manual$/);
  });

  it.each([true, false])("names what is damaged, and takes the newest that reads back (compression: %s)", async (compression) => {
    using folder = temporaryFolder();
    const { run } = makeInstance(folder.join("agent"), "  db: { path: db.txt }\n  notes: { path: notes }", { compression });
    writeTree(folder.join("agent"), { "db.txt": "first", "notes/a.md": "a" });
    const first = documentOf<BackupDocument>(await run("backup", "--json"), 0);
    writeTree(folder.join("agent"), { "db.txt": "x".repeat(200_000) });
    const second = documentOf<BackupDocument>(await run("backup", "--json"), 0);
    const third = documentOf<BackupDocument>(await run("backup", "--json"), 0);
    // One loses its end, one its manifest.
    if (compression) truncateSync(second.location, statSync(second.location).size - 40);
    else truncateSync(join(second.location, "db", "db.txt"), 7);
    if (compression) truncateSync(third.location, 10);
    else rmSync(join(third.location, "manifest.json"));
    renameSync(folder.join("agent/backups"), folder.join("vault"));
    writeTree(folder.join("vault"), { "lost+found/x": "not ours" });
    rmSync(folder.join("agent"), { recursive: true });
    const done = documentOf<Recovered>(await recover(folder.path, "vault", "--yes"), 0);
    expect(done.foreign).toEqual(["lost+found"]);
    expect(done.damage.some((line) => line.startsWith(third.id))).toBe(true);
    expect(done.damage.some((line) => line.startsWith(`${second.id}: `) && line.includes("does not read back"))).toBe(true);
    expect(done.components.find(({ component }) => component === "db")?.backup).toBe(first.id);
    expect(readFileSync(folder.join("agent/db.txt"), "utf8")).toBe("first");
    expect(readFileSync(folder.join("agent/notes/a.md"), "utf8")).toBe("a");
  });

  it("takes a component that the newest backup lacks from the newest that has it, says so, and exits 3 for one that none has", async () => {
    using folder = temporaryFolder();
    const agent = folder.join("agent");
    const components = "  db: { path: db.txt }\n  notes: { path: notes }\n  packs: { path: packs }";
    const { run } = makeInstance(agent, components);
    writeTree(agent, { "db.txt": "1", "notes/a.md": "a" });
    const first = documentOf<BackupDocument>(await run("backup", "--json"), 3);
    rmSync(join(agent, "notes"), { recursive: true });
    writeFileSync(join(agent, "db.txt"), "2");
    const second = documentOf<BackupDocument>(await run("backup", "--json"), 3);
    cpSync(join(agent, "backups"), folder.join("vault"), { recursive: true });
    rmSync(agent, { recursive: true });
    const done = documentOf<Recovered>(await recover(folder.path, "vault", "--yes"), 3);
    const found = new Map(done.components.map((one) => [one.component, one]));
    expect(found.get("db")).toMatchObject({ backup: second.id, remark: null });
    expect(found.get("notes")).toMatchObject({ backup: first.id, remark: expect.stringContaining(second.id) });
    expect(found.get("packs")).toMatchObject({ backup: null, remark: expect.stringContaining("no good backup") });
    expect([readFileSync(join(agent, "db.txt"), "utf8"), readFileSync(join(agent, "notes/a.md"), "utf8")]).toEqual(["2", "a"]);
  });

  it("finds a component by the restored document that its path stands in", async () => {
    using folder = temporaryFolder();
    const agent = folder.join("agent");
    const { run } = makeInstance(
      agent,
      "  conf: { path: orchestrator.json }\n  state: { path: { from: orchestrator.json, pointer: /stateFile }, importance: critical }",
    );
    writeTree(agent, { "orchestrator.json": '{"stateFile":"deep/state.json"}', "deep/state.json": '{"turn":7}' });
    documentOf(await run("backup", "--json"), 0);
    renameSync(join(agent, "backups"), folder.join("vault"));
    rmSync(agent, { recursive: true });
    documentOf(await recover(folder.path, "vault", "--yes"), 0);
    expect(readFileSync(join(agent, "deep/state.json"), "utf8")).toBe('{"turn":7}');
  });

  it("works from a vault inside the very folder that comes back, and leaves the vault in it alone", async () => {
    using folder = temporaryFolder();
    const agent = folder.join("agent");
    const { run } = makeInstance(agent, "  all: { path: ., importance: critical }");
    writeTree(agent, { "a.md": "a", "sub/b.md": "b" });
    documentOf(await run("backup", "--json"), 0);
    for (const name of ["a.md", "sub", "holdfast.yaml", ".holdfast"]) rmSync(join(agent, name), { recursive: true });
    const backups = readdirSync(join(agent, "backups"));
    documentOf(await recover(agent, "backups", "--yes"), 0);
    expect(readFileSync(join(agent, "sub/b.md"), "utf8")).toBe("b");
    expect(readdirSync(join(agent, "backups"))).toEqual(expect.arrayContaining(backups));
    expect((await holdfast(["--config", join(agent, "holdfast.yaml"), "verify", "--all"])).exitCode).toBe(0);
  });

  it("keeps a configuration that is JSON what it is", async () => {
    using folder = temporaryFolder();
    const agent = folder.join("agent");
    writeTree(agent, {
      "a.md": "a",
      "holdfast.json": JSON.stringify({ components: { notes: { path: "a.md" } }, backup: { path: "backups" } }, null, 2),
    });
    documentOf(await holdfast(["--config", join(agent, "holdfast.json"), "backup", "--json"]), 0);
    renameSync(join(agent, "backups"), folder.join("vault"));
    documentOf(await recover(folder.path, "vault", "--to", "other", "--yes"), 0);
    // The vault's owner is called as the old folder was.
    expect(JSON.parse(readFileSync(folder.join("other/holdfast.json"), "utf8"))).toEqual({
      name: "agent",
      components: { notes: { path: "a.md" } },
      backup: { path: folder.join("vault") },
    });
    expect((await holdfast(["status"], { cwd: folder.join("other") })).exitCode).toBe(0);
  });

  it("reads a vault that nobody can write to, where nothing is there to be saved", async (test) => {
    using folder = temporaryFolder();
    const { config } = makeWorkspace(folder.join("agent"), { vault: folder.join("vault") });
    await holdfast(["--config", config, "backup"]);
    rmSync(folder.join("agent"), { recursive: true });
    mkdirSync(folder.join("usb"));
    using _ = mountAt(folder.join("usb"), ["--bind", "-o", "ro", folder.join("vault")], test);
    documentOf(await recover(folder.path, "usb", "--yes"), 0);
    expect(existsSync(folder.join("agent/data/synthorg.db"))).toBe(true);
  });

  it("as another account: the files become its own with --owner current", async () => {
    using folder = temporaryFolder();
    const { config } = makeWorkspace(folder.join("agent"), { vault: folder.join("vault") });
    await holdfast(["--config", config, "backup"]);
    mkdirSync(folder.join("home"));
    for (const argv of [
      ["chmod", "755", folder.path],
      ["chown", "-R", "4711:4711", folder.join("vault"), folder.join("home")],
    ])
      await asUser(0, argv);
    const command = [process.execPath, LAUNCHER, "recover", folder.join("vault"), "--to", folder.join("home/agent"), "--yes", "--json"];
    const options = { cwd: folder.join("home"), env: { HOME: folder.join("home") } };
    const denied = failureOf(await asUser(4711, command, options), 1);
    expect(denied.code).toBe("OWNER_NOT_PERMITTED");
    documentOf(await asUser(4711, [...command, "--owner", "current"], options), 0);
    expect(statSync(folder.join("home/agent/data/synthorg.db")).uid).toBe(4711);
  });

  it.each(["in-place-staged", "in-place-moved-in", "in-place-swapped"])("killed at %s, it ends when it is run again", async (point) => {
    using folder = temporaryFolder();
    const { config, database } = makeWorkspace(folder.join("agent"), { vault: folder.join("vault") });
    const rows = readBank(database);
    await holdfast(["--config", config, "backup"]);
    rmSync(folder.join("agent"), { recursive: true });
    const killed = await holdfast(["recover", "vault", "--yes"], { cwd: folder.path, env: { HOLDFAST_CRASHPOINT: point } });
    expect(killed.signal).toBe("SIGKILL");
    documentOf(await recover(folder.path, "vault", "--yes"), 0);
    expect(readBank(database)).toEqual(rows);
    expect((await holdfast(["--config", config, "status"])).exitCode).toBe(0);
  });

  it("goes over no name of an environment that means another vault", async () => {
    using folder = temporaryFolder();
    const { config } = makeWorkspace(folder.join("agent"), { vault: folder.join("vault") });
    await holdfast(["--config", config, "backup"]);
    const result = await holdfast(["recover", folder.join("vault"), "--to", folder.join("x"), "--yes", "--json"], {
      env: { HOLDFAST_BACKUP__PATH: "/data/other" },
    });
    expect(failureOf(result, 2).message).toContain("HOLDFAST_BACKUP__PATH");
    expect(existsSync(folder.join("x"))).toBe(false);
  });

  it("refuses what is no vault, each with what to do", async () => {
    using folder = temporaryFolder();
    const { config } = makeWorkspace(folder.join("agent"), { vault: folder.join("disk/vault") });
    const { id } = documentOf<BackupDocument>(await holdfast(["--config", config, "backup", "--json"]), 0);
    await holdfast(["--config", config, "export", id, "--output", folder.join("one.tar.gz")]);
    mkdirSync(folder.join("empty"));
    const hintFor = async (vault: string, code: string, exit: number): Promise<string> => {
      const failure = failureOf(await recover(folder.path, vault, "--yes"), exit);
      expect([vault, failure.code]).toEqual([vault, code]);
      return failure.hint ?? "";
    };
    expect(await hintFor("s3://bucket/acme", "NOT_AVAILABLE", 2)).toContain("local folder");
    expect(await hintFor("nowhere", "PATH_NOT_FOUND", 2)).toContain("backup.path");
    expect(await hintFor("disk", "BACKUP_NOT_FOUND", 2)).toContain(folder.join("disk/vault"));
    expect(await hintFor("empty", "BACKUP_NOT_FOUND", 2)).toContain("mount it first");
    expect(await hintFor("agent", "BACKUP_NOT_FOUND", 2)).toContain("backup.path");
    expect(await hintFor("disk/vault/.vault", "BACKUP_NOT_FOUND", 2)).toContain("name that folder");
    expect(await hintFor(`disk/vault/${id}.tar.gz`, "USAGE", 2)).toContain("name that folder");
    expect(await hintFor("one.tar.gz", "USAGE", 2)).toContain("holdfast import");
    rmSync(folder.join(`disk/vault/${id}.tar.gz`));
    expect(await hintFor("disk/vault", "BACKUP_NOT_FOUND", 2)).toContain("another vault");
    writeFileSync(folder.join(`disk/vault/${id}.tar.gz`), "torn");
    expect(await hintFor("disk/vault", "VAULT_DAMAGED", 4)).toContain("copy of the vault");
    expect(failureOf(await recover(folder.path, "disk/vault", "--config", config), 2).message).toContain("--config has no effect");
  });

  it("without any copy of the configuration it says what to write by hand", async () => {
    using folder = temporaryFolder();
    const { config, vault } = makeWorkspace(folder.join("agent"), { vault: folder.join("vault"), compression: false });
    const { location } = documentOf<BackupDocument>(await holdfast(["--config", config, "backup", "--json"]), 0);
    truncateSync(join(location, "holdfast", "holdfast.yaml"), 3);
    const failure = failureOf(await recover(folder.path, "vault", "--yes"), 4);
    expect(failure.hint).toContain("name: acme");
    expect(failure.hint).toContain(vault);
    expect(failure.hint).toContain("persistence, memory, config, checkpoints");
  });

  it("a vault that has lost its own record says how to go on", async () => {
    using folder = temporaryFolder();
    const { config } = makeWorkspace(folder.join("agent"), { vault: folder.join("vault") });
    await holdfast(["--config", config, "backup"]);
    rmSync(folder.join("vault/.vault/vault.json"));
    const failure = failureOf(await recover(folder.path, "vault", "--yes"), 4);
    expect(failure.code).toBe("VAULT_DAMAGED");
    expect(failure.hint).toContain("tar -xzf");
  });
});
