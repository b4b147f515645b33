import { randomBytes } from "node:crypto";
import { chmodSync, copyFileSync, existsSync, readFileSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { describe, expect, it, type TestContext } from "vitest";
import { openInstance } from "../../src/app/index.ts";
import type { Manifest } from "../../src/vault/index.ts";
import { asUser } from "../support/as-user.ts";
import { createBank, moveMoney } from "../support/bank.ts";
import { makeInstance } from "../support/instance.ts";
import { mountTmpfs } from "../support/mount-tmpfs.ts";
import { runProgram } from "../support/run-program.ts";
import { breakAll, salvage, sound, STATE, told } from "../support/salvage.ts";
import { holder } from "../support/source-database.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { writeTree } from "../support/write-tree.ts";

describe("backup() in salvage where something stands in its way", () => {
  it("keeps a database raw that another process has locked past the busy limit", { timeout: 120_000 }, async () => {
    using folder = temporaryFolder();
    const instance = await sound(folder.path);
    const path = folder.join("data", "state.db");
    {
      using bank = createBank(path, "delete");
      moveMoney(bank);
    }
    await using _ = await holder(path, 'db.exec("BEGIN EXCLUSIVE; UPDATE account SET balance = 0")');
    const outcome = await salvage(instance);
    expect(told(outcome, "persistence")).toMatchObject({
      suspect: true,
      salvaged: { file: "state.db", reason: expect.stringContaining("stayed locked") as string },
    });
    expect(readFileSync(`${outcome.head.location}/persistence/state.db`).equals(readFileSync(path))).toBe(true);
    expect(existsSync(`${outcome.head.location}/persistence/state.db-journal`)).toBe(true);
  });

  it.each([
    ["a pause that fails", "directory", "exit 1", "true"],
    ["a resume that fails", "directory", "true", "exit 9"],
    ["a pause that fails", "repository", "exit 1", "true"],
    ["a resume that fails", "repository", "true", "exit 9"],
  ] as const)(
    "reads without it after %s (%s), consistently where that can be had, and says so of each",
    async (_what, form, pause, resume) => {
      using folder = temporaryFolder();
      const hold = `pause: { command: [./pause], resume: [./resume] }`;
      for (const step of ["pause", "resume"]) writeFileSync(folder.join(step), "#!/bin/sh\ntrue\n", { mode: 0o755 });
      const components = `  persistence: { path: data/state.db, group: g }\n  memory: { path: data/memory, group: g, ${hold} }\n  state: { path: data/state.json, group: g }`;
      const instance = await sound(folder.path, form, components);
      writeFileSync(folder.join("pause"), `#!/bin/sh\n${pause}\n`);
      writeFileSync(folder.join("resume"), `#!/bin/sh\n${resume}\n`);
      writeFileSync(folder.join("data", "state.json"), "{");
      const outcome = await salvage(instance);
      expect(outcome.alarms).toContainEqual(expect.stringMatching(/^Cannot (pause|resume) component "memory"/));
      expect(outcome.head.manifest.not_captured).toEqual({});
      const unpaused = expect.stringContaining("read without its pause") as string;
      expect(told(outcome, "persistence")).toMatchObject({ source: "sqlite", suspect: true, salvaged: { file: null, reason: unpaused } });
      expect(told(outcome, "memory")).toMatchObject({ suspect: true, salvaged: { file: null, reason: unpaused } });
      expect(told(outcome, "state")).toMatchObject({
        source: "file",
        salvaged: { reason: expect.stringContaining("no valid JSON") as string },
      });
      expect((await instance.run("verify", outcome.head.id)).exitCode).toBe(0);
    },
  );

  it.each([["tar.gz"], ["repository"]] as const)(
    "under a pause keeps what is broken raw, and the rest of the group is cut as usual (%s)",
    async (form) => {
      using folder = temporaryFolder();
      const hold = `pause: { command: ["true"], resume: ["true"] }`;
      const components = `  persistence: { path: data/state.db, group: g }\n  memory: { path: data/memory, group: g, ${hold} }\n  state: { path: data/state.json, group: g }`;
      const instance = await sound(folder.path, form, components);
      breakAll(folder.path);
      writeFileSync(folder.join("data", "state.json"), '{"turn":3}\n');
      const outcome = await salvage(instance);
      expect(outcome.head.manifest.not_captured).toEqual({});
      expect(told(outcome, "persistence")).toMatchObject({ stored_as: "persistence", salvaged: { file: "state.db" } });
      expect(told(outcome, "memory")).toMatchObject({ salvaged: { file: null, paths: ["index.db"] } });
      expect(told(outcome, "state")).toMatchObject({ source: "json", suspect: false, whole: true });
      expect((await instance.run("ls", outcome.head.id, "memory")).stdout).toContain("index.db-wal");
      expect((await instance.run("verify", outcome.head.id)).exitCode).toBe(0);
    },
  );

  it.for([["directory"], ["repository"]] as const)(
    "fails with NO_SPACE on a full disk and leaves nothing listed (%s)",
    { timeout: 120_000 },
    async ([form], test: TestContext) => {
      using folder = temporaryFolder();
      using disk = mountTmpfs(5_000_000, test);
      writeTree(folder.path, { "data/memory/note.md": "x", "data/state.json": "{" });
      // Each time another one: what a repository has it does not store again.
      const fill = (): void => {
        for (let n = 0; n < 8; n += 1) writeFileSync(folder.join("data", "memory", `noise-${n}.bin`), randomBytes(100_000));
        writeFileSync(folder.join("data", "state.db"), randomBytes(1_000_000));
      };
      fill();
      const instance = makeInstance(folder.path, STATE.replace("state.db", "state.db, kind: sqlite"), { form });
      writeFileSync(instance.config, readFileSync(instance.config, "utf8").replace("path: backups", `path: ${disk.path}/vault`));
      // What is free runs out at the tree, before the database is copied, and at the beginning.
      const good = await salvage(instance);
      const free = (): number => statfsSync(disk.path).bavail * statfsSync(disk.path).bsize;
      for (const left of [1_500_000, 600_000, 20_000]) {
        fill();
        writeFileSync(`${disk.path}/filler`, Buffer.alloc(Math.max(0, free() - left)));
        await expect(salvage(instance)).rejects.toMatchObject({ code: "NO_SPACE" });
        rmSync(`${disk.path}/filler`);
        const listed = (await instance.run("backup", "list", "--json")).json<{ backups: { id: string }[]; damaged: unknown[] }>();
        expect([listed.backups.map(({ id }) => id), listed.damaged]).toEqual([[good.head.id], []]);
      }
    },
  );

  it.each([["directory"], ["repository"]] as const)(
    "ends at an interruption, and waits for nobody who writes to the vault (%s)",
    async (form) => {
      using folder = temporaryFolder();
      const instance = await sound(folder.path, form);
      breakAll(folder.path);
      await expect(salvage(instance, AbortSignal.abort(new Error("enough")))).rejects.toMatchObject({
        message: expect.stringMatching(/enough|stopped/i) as string,
      });
      const opened = openInstance({ config: instance.config, env: process.env, cwd: folder.path });
      await using vault = await opened.openVault();
      await using _ = await vault.begin({ trigger: "manual", time: Date.now() });
      await expect(salvage(instance)).rejects.toMatchObject({ code: "VAULT_BUSY" });
    },
  );

  it("records what this account may not read, and keeps the rest", async () => {
    using folder = temporaryFolder();
    const instance = await sound(folder.path);
    copyFileSync(folder.join("data", "state.json"), folder.join("data", "memory", "closed.md"));
    chmodSync(folder.join("data", "memory", "closed.md"), 0o000);
    chmodSync(folder.join("data", "state.db"), 0o000);
    // As an account of its own: root may read everything.
    await runProgram(["chown", "-R", "12345:12345", folder.path]);
    const code = `import { openInstance } from ${JSON.stringify(new URL("../../src/app/index.ts", import.meta.url).href)};
      import { backup } from ${JSON.stringify(new URL("../../src/operations/index.ts", import.meta.url).href)};
      const { head, status } = await backup(openInstance({ config: ${JSON.stringify(instance.config)}, env: process.env, cwd: "/" }), { trigger: "pre-restore", salvage: true });
      console.log(JSON.stringify({ status, manifest: head.manifest }));`;
    const { stdout, stderr } = await asUser(12_345, [
      process.execPath,
      "--disable-warning=ExperimentalWarning",
      "--input-type=module",
      "-e",
      code,
    ]);
    expect(stderr).toBe("");
    const { status, manifest } = JSON.parse(stdout) as { status: string; manifest: Manifest };
    expect(status).toBe("partial");
    expect(manifest.not_captured).toMatchObject({ persistence: { code: "COMPONENT_UNREADABLE" } });
    expect(manifest.component_details["memory"]).toMatchObject({
      whole: false,
      omissions: [{ path: "closed.md", reason: "Cannot be opened (EACCES)", harmless: false }],
    });
  });
});
