import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { writeTree } from "../../test/support/write-tree.ts";
import { loadConfig } from "../config/index.ts";
import { init } from "./init.ts";

const DATABASE = `SQLite format 3\0${"\0".repeat(84)}`;
const STATE = { "data/synthorg.db": DATABASE, "data/memory/a.md": "# A", "company.yaml": "name: Acme\n", "src/main.ts": "x" };

describe("init()", () => {
  it("writes a configuration that loads, and makes nothing else", () => {
    using folder = temporaryFolder();
    writeTree(folder.path, STATE);
    const result = init({ folder: folder.path, vault: folder.join("backups"), name: "acme", env: {} });
    expect(result).toMatchObject({ file: folder.join("holdfast.yaml"), name: "acme", vault: folder.join("backups"), vaultWhy: "as asked" });
    expect(readdirSync(folder.path).toSorted()).toEqual(["company.yaml", "data", "holdfast.yaml", "src"]);
    const config = loadConfig({ file: result.file, env: {} });
    expect(config.backup.path).toBe(folder.join("backups"));
    expect(config.components.map(({ name }) => name)).toEqual(["config", "memory", "persistence"]);
    expect(readFileSync(result.file, "utf8")).toMatch(/^ {2}# src:/m);
  });

  it("chooses name and vault when it is not told, and says why there", () => {
    using folder = temporaryFolder();
    mkdirSync(folder.join("My Agent (2)"));
    writeTree(folder.join("My Agent (2)"), STATE);
    const result = init({ folder: folder.join("My Agent (2)"), env: {} });
    expect(result.name).toBe("My-Agent-2");
    expect(result.vault).toMatch(/\/holdfast\/My-Agent-2$/);
    expect(loadConfig({ file: result.file, env: {} })).toMatchObject({ name: "My-Agent-2", backup: { path: result.vault } });
  });

  it.each(["holdfast.yaml", "holdfast.yml", "holdfast.json"])("overwrites no %s that is there", (name) => {
    using folder = temporaryFolder();
    writeTree(folder.path, { ...STATE, [name]: "mine" });
    expect(() => init({ folder: folder.path, env: {} })).toThrow(expect.objectContaining({ code: "CONFIG_EXISTS" }));
    expect(readFileSync(folder.join(name), "utf8")).toBe("mine");
    expect(readdirSync(folder.path).filter((file) => file.startsWith("holdfast"))).toEqual([name]);
  });

  it.each([
    ["a name that no instance may have", { name: "no good" }],
    ["a name that leads elsewhere", { name: "../../etc" }],
    ["an empty name", { name: "" }],
    ["the folder itself as the vault", { vault: "." }],
    ["a vault inside what is protected", { vault: "data/memory" }],
  ])("refuses %s, and leaves no configuration behind that does not load", (_what, { name, vault }: { name?: string; vault?: string }) => {
    using folder = temporaryFolder();
    writeTree(folder.path, STATE);
    const options = { folder: folder.path, env: {}, ...(name === undefined ? {} : { name }), ...(vault === undefined ? {} : { vault: join(folder.path, vault) }) };
    try {
      loadConfig({ file: init(options).file, env: {} });
    } catch (error) {
      expect(error).toMatchObject({ code: expect.stringMatching(/^(USAGE|CONFIG_INVALID)$/) });
      expect(readdirSync(folder.path).toSorted()).toEqual(["company.yaml", "data", "src"]);
    }
  });

  it("refuses a folder without state, and one that is none, with what to do", () => {
    using folder = temporaryFolder();
    expect(() => init({ folder: folder.path, env: {} })).toThrow(expect.objectContaining({ code: "USAGE", hint: expect.stringContaining("Name the folder") }));
    writeTree(folder.path, { "src/main.ts": "x" });
    expect(() => init({ folder: folder.path, env: {} })).toThrow("Nothing to protect");
    writeFileSync(folder.join("file"), "");
    for (const path of [folder.join("file"), folder.join("gone")]) expect(() => init({ folder: path, env: {} })).toThrow(expect.objectContaining({ code: "USAGE" }));
    expect(readdirSync(folder.path).toSorted()).toEqual(["file", "src"]);
  });
});
