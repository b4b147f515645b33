import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { writeTree } from "../../test/support/write-tree.ts";
import { openArchiveVault } from "../archive/index.ts";
import { loadConfig } from "../config/index.ts";
import { systemClock } from "../kernel/index.ts";
import { init } from "./init.ts";

const DATABASE = `SQLite format 3\0${"\0".repeat(84)}`;
const STATE = { "data/synthorg.db": DATABASE, "data/memory/a.md": "# A", "company.yaml": "name: Acme\n", "src/main.ts": "x" };

describe("init()", async () => {
  it("writes a configuration that loads, and makes nothing else", async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, STATE);
    const result = await init({ folder: folder.path, vault: folder.join("backups"), name: "acme", env: {} });
    expect(result).toMatchObject({ file: folder.join("holdfast.yaml"), name: "acme", vault: folder.join("backups"), vaultWhy: "as asked" });
    expect(readdirSync(folder.path).toSorted()).toEqual(["company.yaml", "data", "holdfast.yaml", "src"]);
    const config = loadConfig({ file: result.file, env: {} });
    expect(config.backup.path).toBe(folder.join("backups"));
    expect(config.components.map(({ name }) => name)).toEqual(["config", "memory", "persistence"]);
    expect(readFileSync(result.file, "utf8")).toMatch(/^ {2}# src:/m);
  });

  it("chooses name and vault when it is not told, and says why there", async () => {
    using folder = temporaryFolder();
    mkdirSync(folder.join("My Agent (2)"));
    writeTree(folder.join("My Agent (2)"), STATE);
    const result = await init({ folder: folder.join("My Agent (2)"), env: {} });
    expect(result.name).toBe("My-Agent-2");
    expect(result.vault).toMatch(/\/holdfast\/My-Agent-2$/);
    expect(loadConfig({ file: result.file, env: {} })).toMatchObject({ name: "My-Agent-2", backup: { path: result.vault } });
  });

  it.each(["holdfast.yaml", "holdfast.yml", "holdfast.json"])("overwrites no %s that is there", async (name) => {
    using folder = temporaryFolder();
    writeTree(folder.path, { ...STATE, [name]: "mine" });
    await expect(init({ folder: folder.path, env: {} })).rejects.toMatchObject({ code: "CONFIG_EXISTS" });
    expect(readFileSync(folder.join(name), "utf8")).toBe("mine");
    expect(readdirSync(folder.path).filter((file) => file.startsWith("holdfast"))).toEqual([name]);
  });

  it.each([
    ["a name that no instance may have", { name: "no good" }, "CONFIG_INVALID"],
    ["a name that leads elsewhere", { name: "../../etc" }, "CONFIG_INVALID"],
    ["an empty name", { name: "" }, "CONFIG_INVALID"],
    ["the folder itself as the vault", { vault: "." }, "USAGE"],
    ["a vault in the place of state, which would then be left out of every backup", { vault: "data/memory" }, "USAGE"],
    ["a file as the vault", { vault: "company.yaml" }, "USAGE"],
  ])("refuses %s, and leaves no configuration behind", async (_what, { name, vault }: { name?: string; vault?: string }, code) => {
    using folder = temporaryFolder();
    writeTree(folder.path, STATE);
    const where = vault === undefined ? { vault: folder.join("vault") } : { vault: join(folder.path, vault) };
    await expect(init({ folder: folder.path, env: {}, ...where, ...(name === undefined ? {} : { name }) })).rejects.toMatchObject({ code });
    expect(readdirSync(folder.path).toSorted()).toEqual(["company.yaml", "data", "src"]);
  });

  it("takes an empty folder and an older vault of this instance for the vault, and leaves them out", async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, STATE);
    mkdirSync(folder.join("data", "backups"));
    await init({ folder: folder.path, vault: folder.join("data", "backups"), name: "acme", env: {} });
    const vault = await openArchiveVault({
      path: folder.join("data", "backups"),
      instance: { name: "acme" },
      compression: true,
      create: true,
      clock: systemClock,
    });
    await vault[Symbol.asyncDispose]();
    rmSync(folder.join("holdfast.yaml"));
    const { detection } = await init({ folder: folder.path, vault: folder.join("data", "backups"), name: "acme", env: {} });
    expect(detection.found.map(({ path }) => path)).toEqual(["company.yaml", "data/memory", "data/synthorg.db", "src"]);
  });

  it("refuses a folder without state, and one that is none, with what to do", async () => {
    using folder = temporaryFolder();
    await expect(init({ folder: folder.path, env: {} })).rejects.toMatchObject({
      code: "USAGE",
      hint: expect.stringContaining("Name the folder"),
    });
    writeTree(folder.path, { "src/main.ts": "x" });
    await expect(init({ folder: folder.path, env: {} })).rejects.toThrow("Nothing to protect");
    writeFileSync(folder.join("file"), "");
    for (const path of [folder.join("file"), folder.join("gone")])
      await expect(init({ folder: path, env: {} })).rejects.toMatchObject({ code: "USAGE" });
    expect(readdirSync(folder.path).toSorted()).toEqual(["file", "src"]);
  });
});
