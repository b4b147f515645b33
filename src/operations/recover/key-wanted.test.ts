import { existsSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../../../test/support/temporary-folder.ts";
import { parseConfig } from "../../config/index.ts";
import { generateKeyFile, openRepositoryVault, writeKeyFile } from "../../repository/index.ts";
import { keyWanted } from "./key-wanted.ts";

describe("keyWanted()", () => {
  it("says whether the vault opens with what the configuration names on this machine, and runs no program of it", async () => {
    using folder = temporaryFolder();
    const keys = ["right", "wrong"].map((name) => generateKeyFile(folder.join(name)));
    for (const key of keys) writeKeyFile(key.label, key);
    const path = folder.join("vault");
    const at = { path, instance: { name: "x" }, cacheFolder: folder.join("cache"), create: true };
    await using vault = await openRepositoryVault({ ...at, secrets: keys.slice(0, 1) });
    const wanted = async (backup: string): ReturnType<typeof keyWanted> => {
      const bytes = Buffer.from(`name: x\ncomponents: { a: { path: a } }\nbackup: { path: vault, ${backup} }\n`);
      return await keyWanted(parseConfig({ file: folder.join("holdfast.yaml"), bytes, env: {} }), path, vault.identity, {});
    };
    const named = async (encryption: string): ReturnType<typeof keyWanted> => await wanted(`format: repository, encryption: ${encryption}`);
    const key = "backup.encryption.key_file";
    expect(await named("{ key_file: right }")).toEqual({ key, names: folder.join("right"), problem: null });
    expect(await named("{ key_file: wrong }")).toMatchObject({ problem: "it does not open the vault" });
    expect(await named("{ key_file: gone }")).toMatchObject({ problem: expect.stringContaining("no key file") });
    writeFileSync(folder.join("phrase"), "another\n", { mode: 0o600 });
    expect(await named("{ passphrase_file: phrase }")).toMatchObject({
      key: "backup.encryption.passphrase_file",
      problem: expect.any(String),
    });
    expect(await named(`{ passphrase_command: [touch, ${folder.join("ran")}] }`)).toMatchObject({ names: "touch", problem: null });
    expect(existsSync(folder.join("ran"))).toBe(false);
    expect(await named("none")).toBeUndefined();
    expect(await wanted("format: archive")).toMatchObject({ key: "backup.format", problem: expect.stringContaining("repository form") });
  });
});
