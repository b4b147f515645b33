import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { writeTree } from "../../test/support/write-tree.ts";
import { openArchiveVault } from "../archive/index.ts";
import { loadConfig } from "../config/index.ts";
import { systemClock } from "../kernel/index.ts";
import {
  fingerprintOf,
  generateKeyFile,
  openRepositoryVault,
  readKeyFile,
  readRecoveryCodeFile,
  writeKeyFile,
} from "../repository/index.ts";
import { init } from "./init.ts";

const DATABASE = `SQLite format 3\0${"\0".repeat(84)}`;
const STATE = { "data/synthorg.db": DATABASE, "data/memory/a.md": "# A", "company.yaml": "name: Acme\n", "src/main.ts": "x" };

describe("init()", async () => {
  it("writes a configuration that loads, and for archives makes nothing else", async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, STATE);
    const result = await init({ folder: folder.path, vault: folder.join("backups"), name: "acme", format: "archive", env: {} });
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
    const result = await init({ folder: folder.join("My Agent (2)"), format: "archive", env: {} });
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
    await expect(
      init({ folder: folder.path, env: { HOME: folder.join("home") }, ...where, ...(name === undefined ? {} : { name }) }),
    ).rejects.toMatchObject({ code });
    expect(readdirSync(folder.path).toSorted()).toEqual(["company.yaml", "data", "src"]);
  });

  it("makes a repository unless told otherwise, with a key file and a recovery code on a sheet that both open it", async () => {
    using folder = temporaryFolder();
    writeTree(folder.join("agent"), STATE);
    const env = { HOME: folder.join("home") };
    const { keys, format, file } = await init({ folder: folder.join("agent"), vault: folder.join("vault"), env, clock: systemClock });
    const keyFile = folder.join("home", ".config", "holdfast", "agent.key");
    const sheet = folder.join("home", ".config", "holdfast", "agent.recovery.txt");
    expect([format, keys?.keyFile, keys?.recovery?.sheet]).toEqual(["repository", keyFile, sheet]);
    for (const path of [keyFile, sheet]) expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(loadConfig({ file, env: {} }).backup).toMatchObject({ format, encryption: { kind: "key-file", path: keyFile } });
    for (const secret of [readKeyFile(keyFile), readRecoveryCodeFile(sheet)]) {
      const at = { path: folder.join("vault"), instance: { name: "agent" }, cacheFolder: folder.join("cache"), create: false };
      await using vault = await openRepositoryVault({ ...at, secrets: [secret] });
      expect((await vault.list()).backups).toEqual([]);
    }
    const text = readFileSync(sheet, "utf8");
    for (const part of [keys?.recovery?.code ?? "-", keys?.fingerprint ?? "-", folder.join("vault"), "holdfast recover"])
      expect(text).toContain(part);
    // It goes on with the vault, under the key that opens it, and hands over no code again.
    rmSync(file);
    const again = await init({ folder: folder.join("agent"), vault: folder.join("vault"), env });
    expect(again.keys).toMatchObject({ keyFile, fingerprint: keys?.fingerprint, recovery: null });
    expect(readFileSync(sheet, "utf8")).toBe(text);
  });

  it("takes a key file that is there, and puts no key inside the vault, inside what is protected, or over another", async () => {
    using folder = temporaryFolder();
    writeTree(folder.join("agent"), STATE);
    const env = { HOME: folder.join("home") };
    const request = { folder: folder.join("agent"), vault: folder.join("vault"), env };
    for (const keyFile of [folder.join("vault", "agent.key"), folder.join("agent", "agent.key")])
      await expect(init({ ...request, keyFile })).rejects.toMatchObject({
        code: "USAGE",
        message: expect.stringContaining("would lie in"),
      });
    await expect(init({ ...request, format: "archive", keyFile: folder.join("x.key") })).rejects.toMatchObject({ code: "USAGE" });
    writeTree(folder.path, { "home/.config/holdfast/agent.key": "of another vault", "open.key": "x" });
    await expect(init({ ...request, keyFile: folder.join("open.key") })).rejects.toMatchObject({ code: "KEY_INVALID" });
    expect(readdirSync(folder.path).toSorted()).toEqual(["agent", "home", "open.key"]);
    expect((await init(request)).keys?.keyFile).toBe(folder.join("home", ".config", "holdfast", "agent-2.key"));
    expect(readFileSync(folder.join("home", ".config", "holdfast", "agent.key"), "utf8")).toBe("of another vault");
    rmSync(folder.join("agent", "holdfast.yaml"));
    const wrong = init(request);
    await expect(wrong).rejects.toMatchObject({ code: "KEY_INVALID" });
    const format = init({ ...request, format: "archive" });
    await expect(format).rejects.toMatchObject({ code: "VAULT_OTHER_FORM" });
    const key = folder.join("mine.key");
    writeKeyFile(key, generateKeyFile(key));
    await expect(init({ ...request, keyFile: key })).rejects.toMatchObject({ message: expect.stringContaining("does not open it") });
    const taken = await init({ ...request, vault: folder.join("other"), keyFile: key });
    expect(taken.keys).toMatchObject({
      keyFile: key,
      fingerprint: fingerprintOf(readKeyFile(key)),
      recovery: { sheet: folder.join("mine.recovery.txt") },
    });
  });

  it("leaves no key behind when the vault cannot be made", async () => {
    using folder = temporaryFolder();
    writeTree(folder.join("agent"), STATE);
    mkdirSync(folder.join("keys"));
    const other = await openArchiveVault({
      path: folder.join("vault"),
      instance: { name: "other" },
      compression: true,
      create: true,
      clock: systemClock,
    });
    await other[Symbol.asyncDispose]();
    const request = {
      folder: folder.join("agent"),
      vault: folder.join("vault", "inside", "file"),
      keyFile: folder.join("keys", "a.key"),
      env: {},
    };
    writeTree(folder.path, { "vault/inside": "a file, where a folder would have to be" });
    await expect(init(request)).rejects.toMatchObject({ code: "FILE_SYSTEM" });
    expect(readdirSync(folder.join("keys"))).toEqual([]);
    expect(readdirSync(folder.join("agent"))).not.toContain("holdfast.yaml");
  });

  it("takes an empty folder and an older vault of this instance for the vault, and leaves them out", async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, STATE);
    mkdirSync(folder.join("data", "backups"));
    await init({ folder: folder.path, vault: folder.join("data", "backups"), name: "acme", format: "archive", env: {} });
    const vault = await openArchiveVault({
      path: folder.join("data", "backups"),
      instance: { name: "acme" },
      compression: true,
      create: true,
      clock: systemClock,
    });
    await vault[Symbol.asyncDispose]();
    rmSync(folder.join("holdfast.yaml"));
    const request = { folder: folder.path, vault: folder.join("data", "backups"), env: {} };
    const { detection, format, vaultWhy } = await init({ ...request, name: "acme" });
    expect(format).toBe("archive");
    expect(vaultWhy).toBe('as asked; the vault of "acme" that is there already');
    expect(detection.found.map(({ path }) => path)).toEqual(["company.yaml", "data/memory", "data/synthorg.db", "src"]);
  });

  it.each(["archive", "repository"] as const)("refuses the vault of another instance before anything is made: %s", async (format) => {
    using folder = temporaryFolder();
    for (const name of ["one", "two"]) writeTree(folder.join(name), STATE);
    const request = { vault: folder.join("vault"), format, env: { HOME: folder.join("home") } };
    const file = (await init({ ...request, folder: folder.join("one") })).keys?.keyFile;
    const vault = await (format === "archive" ? openArchiveVault : openRepositoryVault)({
      path: request.vault,
      instance: { name: "one" },
      compression: true,
      secrets: file === undefined ? [] : [readKeyFile(file)],
      cacheFolder: folder.join("cache"),
      create: true,
      clock: systemClock,
    });
    await vault[Symbol.asyncDispose]();
    await expect(init({ ...request, folder: folder.join("two"), ...(file === undefined ? {} : { keyFile: file }) })).rejects.toMatchObject({
      code: "VAULT_FOREIGN",
      message: `The vault at "${request.vault}" belongs to instance "one", not to "two"`,
      hint: expect.stringContaining("holdfast init --name one"),
    });
    expect(existsSync(folder.join("two", "holdfast.yaml"))).toBe(false);
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
