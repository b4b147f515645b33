import { existsSync, readdirSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { holdfast } from "../../test/support/holdfast.ts";
import { temporaryFolder, type TemporaryFolder } from "../../test/support/temporary-folder.ts";
import { writeTree } from "../../test/support/write-tree.ts";

/** The state of an agent, with rows that refer to none when that is asked for. */
function state(folder: TemporaryFolder, orphans: boolean): void {
  writeTree(folder.path, { "agent/memory/a.md": "# A", "agent/company.yaml": "name: Acme\n" });
  using database = new DatabaseSync(folder.join("agent", "state.db"), { enableForeignKeyConstraints: false });
  database.exec(
    "CREATE TABLE task (id INTEGER PRIMARY KEY); CREATE TABLE step (task INTEGER REFERENCES task); INSERT INTO task VALUES (1); INSERT INTO step VALUES (1)",
  );
  if (orphans) database.exec("DELETE FROM task");
}

describe("holdfast protect", () => {
  it("goes from nothing to a proved backup, and leaves no scratch behind", async () => {
    using folder = temporaryFolder();
    state(folder, false);
    const done = await holdfast(["protect", "agent", "--vault", "vault", "--format", "archive"], { cwd: folder.path });
    expect(done).toMatchObject({ exitCode: 0 });
    for (const word of ["Wrote", "captured", "verified", "proved", "state.db: integrity_check ok"]) expect(done.stdout).toContain(word);
    expect(readdirSync(folder.join("vault")).filter((name) => name.endsWith(".tar.gz"))).toHaveLength(1);
    expect(readdirSync(folder.join("agent")).toSorted()).toEqual([".holdfast", "company.yaml", "holdfast.yaml", "memory", "state.db"]);
    expect(readdirSync(folder.join("agent", ".holdfast", "tmp"))).toEqual([]);
    const again = await holdfast(["protect", "agent", "--json"], { cwd: folder.path });
    expect(again.json()).toMatchObject({
      schema: "holdfast.protected/1",
      detection: null,
      backup: { status: "complete" },
      verified: { ok: true },
      proof: { databases: [{ path: "state.db", complaint: null, damaged: false }] },
    });
    expect((await holdfast(["status"], { cwd: folder.join("agent") })).exitCode).toBe(0);
  });

  it("tells of rows that refer to none, which the application wrote, and does not call the backup damaged", async () => {
    using folder = temporaryFolder();
    state(folder, true);
    const done = await holdfast(["protect", "agent", "--vault", "vault", "--key-file", "keys/agent.key"], { cwd: folder.path });
    expect(done.stdout).toContain('foreign_key_check: a row of "step" refers to a row of "task" that is not there');
    expect(done.exitCode).toBe(0);
    const restored = await holdfast(["restore", "latest", "--to", folder.join("out")], { cwd: folder.join("agent") });
    expect(restored.stdout).toContain("foreign_key_check");
    expect(restored.exitCode).toBe(0);
  });

  it.each([".", "agent", "agent/memory"])("makes no vault of %s, which holds something", async (vault) => {
    using folder = temporaryFolder();
    state(folder, false);
    const refused = await holdfast(["protect", "agent", "--vault", vault, "--json"], { cwd: folder.path });
    expect(refused.exitCode).not.toBe(0);
    expect(existsSync(folder.join("agent", "memory", "a.md"))).toBe(true);
    expect(readdirSync(folder.join(vault)).filter((name) => /_manual|marks|lock/.test(name))).toEqual([]);
  });

  it.each(["--vault", "--format", "--key-file"])("refuses %s where a configuration says already where the backups go", async (option) => {
    using folder = temporaryFolder();
    state(folder, false);
    writeTree(folder.path, { "agent/holdfast.yaml": "name: acme\ncomponents:\n  memory: { path: memory }\nbackup: { path: backups }\n" });
    const value = option === "--format" ? "archive" : "vault";
    const refused = await holdfast(["protect", "agent", option, value, "--json"], { cwd: folder.path });
    expect(refused.exitCode).toBe(2);
    expect(refused.json()).toMatchObject({ error: { code: "USAGE" } });
    expect(existsSync(folder.join("vault"))).toBe(false);
  });
});
