import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readBank } from "../support/bank.ts";
import { holdfast } from "../support/holdfast.ts";
import { runProgram } from "../support/run-program.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { UNPACK_WITH_PYTHON } from "../support/unpack-with-python.ts";
import { makeWorkspace } from "../support/workspace.ts";
import { writerProcess } from "../support/writer-process.ts";

const ID = /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d_manual(-\d+)?$/;

interface BackupDocument {
  readonly id: string;
  readonly status: string;
}

describe("synthorg#449", () => {
  it("takes a backup with its block word for word, and lists it", async () => {
    using folder = temporaryFolder();
    const { config, vault } = makeWorkspace(folder.path);
    const taken = await holdfast(["--config", config, "backup"]);
    expect(taken.exitCode).toBe(0);
    const id = taken.stdout.trim();
    expect(id).toMatch(ID);
    expect(readdirSync(vault)).toContain(`${id}.tar.gz`);
    const listed = await holdfast(["--config", config, "backup", "list"]);
    expect(listed.exitCode).toBe(0);
    expect(listed.stdout).toContain(id);
    const status = await holdfast(["--config", config, "status"]);
    expect(status.exitCode).toBe(0);
  });

  it("lays a plain backup out as written there", async () => {
    using folder = temporaryFolder();
    const { config, vault } = makeWorkspace(folder.path, { compression: false });
    const { id } = (await holdfast(["--config", config, "backup", "--json"])).json<BackupDocument>();
    const top = join(vault, id);
    expect(readdirSync(top).toSorted()).toEqual([
      "checkpoints",
      "config",
      "entries.jsonl",
      "holdfast",
      "manifest.json",
      "memory",
      "synthorg.db",
    ]);
    expect(readBank(join(top, "synthorg.db")).last).toBe(5);
    expect(readFileSync(join(top, "memory/notes/first.md"), "utf8")).toBe("# First\nremember this\n");
    expect(readFileSync(join(top, "config/company.yaml"), "utf8")).toBe("name: Acme\n");
    expect(statSync(top).mode & 0o777).toBe(0o700);
    const manifest = JSON.parse(readFileSync(join(top, "manifest.json"), "utf8")) as Record<string, unknown>;
    expect(manifest).toMatchObject({ version: "1", id, instance: "acme", sequence: 1, trigger: "manual", db_schema_version: 0 });
    expect(manifest["components"]).toEqual(["persistence", "memory", "config", "checkpoints", "holdfast"]);
    expect(manifest["checksum"]).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(manifest["timestamp"]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect(manifest["size_bytes"]).toBeGreaterThan(0);
  });

  it.each([
    ["GNU tar", (file: string, into: string) => ["tar", "-xzf", file, "-C", into]],
    ["bsdtar", (file: string, into: string) => ["bsdtar", "-xzf", file, "-C", into]],
    ["Python", (file: string, into: string) => [...UNPACK_WITH_PYTHON, file, into]],
  ])("its archive is read by %s, while the database is being written", async (_name, unpack) => {
    using folder = temporaryFolder();
    const { config, vault, database } = makeWorkspace(folder.path);
    await using writer = await writerProcess(database);
    const before = writer.committed();
    const { id } = (await holdfast(["--config", config, "backup", "--json"])).json<BackupDocument>();
    await writer.stop();
    const out = folder.join("out");
    await runProgram(["mkdir", out]);
    const unpacked = await runProgram(unpack(join(vault, `${id}.tar.gz`), out));
    expect(unpacked.stderr).not.toMatch(/error|warn/i);
    expect(unpacked.exitCode).toBe(0);
    expect(readBank(join(out, "synthorg.db")).last).toBeGreaterThanOrEqual(before);
    expect(readFileSync(join(out, "memory/notes/second.md"), "utf8")).toBe("# Second\n");
  });

  it("verify, ls, cat, diff, find, export, import and restore work on what it stored", async () => {
    using folder = temporaryFolder();
    const { config, folder: top } = makeWorkspace(folder.path);
    const run = (...args: string[]) => holdfast(["--config", config, ...args]);
    await run("backup");
    expect((await run("verify", "latest")).exitCode).toBe(0);
    expect((await run("backup", "show", "latest:verified")).exitCode).toBe(0);
    expect((await run("ls", "latest", "memory/notes")).stdout).toContain("memory/notes/first.md");
    expect((await run("cat", "latest", "memory/notes/first.md")).stdout).toBe("# First\nremember this\n");
    expect((await run("cat", "latest", "config")).stdout).toBe("name: Acme\n");
    expect((await run("find", "*.md")).stdout).toContain("memory/notes/second.md");
    expect((await run("diff", "latest")).stdout).toContain("no difference");
    const output = folder.join("portable.tar.gz");
    expect((await run("export", "latest", "--output", output)).exitCode).toBe(0);
    const restored = await run("restore", "latest", "--to", folder.join("restored"), "--json");
    expect(restored.json()).toMatchObject({ schema: "holdfast.restored/1", databases: [{ path: "synthorg.db", complaint: null }] });
    expect(restored.exitCode).toBe(0);
    expect(readBank(folder.join("restored", "synthorg.db")).last).toBe(5);
    const compared = await runProgram(["diff", "-r", join(top, "data/memory"), folder.join("restored", "memory")]);
    expect(compared.stdout).toBe("");
    expect(compared.exitCode).toBe(0);
    const again = await run("restore", "latest", "--to", folder.join("restored"));
    expect(again.exitCode).toBe(1);
    expect(again.stderr).toContain("is not empty");

    using other = temporaryFolder();
    const second = makeWorkspace(other.path);
    const imported = await holdfast(["--config", second.config, "import", output]);
    expect(imported.stderr).toBe("");
    expect(imported.exitCode).toBe(0);
    expect((await holdfast(["--config", second.config, "verify", "--all"])).exitCode).toBe(0);
  });

  it("delete, undelete, pin and unpin ask where somebody can answer, and need --yes elsewhere", async () => {
    using folder = temporaryFolder();
    const { config } = makeWorkspace(folder.path);
    const run = (...args: string[]) => holdfast(["--config", config, ...args]);
    await run("backup");
    const { id } = (await run("backup", "--json")).json<BackupDocument>();
    expect((await run("backup", "pin", id)).exitCode).toBe(0);
    const refused = await run("backup", "delete", id);
    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toContain("--yes");
    expect((await run("backup", "delete", id, "--yes")).exitCode).toBe(1);
    expect((await run("backup", "unpin", id)).exitCode).toBe(0);
    expect((await run("backup", "delete", id, "--yes")).exitCode).toBe(0);
    expect((await run("backup", "list")).stdout).not.toContain(id);
    expect((await run("verify", "--all")).exitCode).toBe(0);
    expect((await run("backup", "undelete", id)).exitCode).toBe(0);
    expect((await run("backup", "list")).stdout).toContain(id);
    expect((await run("verify", "--all")).exitCode).toBe(0);
  });
});
