import { rmSync, statSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { temporaryFolder, type TemporaryFolder } from "../../test/support/temporary-folder.ts";
import { takeBackupOf } from "../testing/index.ts";
import { openArchiveVault, ARCHIVE_FORMS } from "./index.ts";
import { adoptVault, inspectVault, type LocalVault } from "../local-vault/index.ts";

function open(
  folder: TemporaryFolder,
  options: { form?: "tar.gz" | "directory"; name?: string; create?: boolean } = {},
): Promise<LocalVault> {
  const { form = "directory", name = "contract", create = true } = options;
  return openArchiveVault({ path: folder.join("vault"), instance: { name }, compression: form === "tar.gz", create });
}

const FILES = { "a.txt": "alpha", "sub/b.txt": "beta" };

describe("openArchiveVault()", () => {
  it("makes a private vault where it is told to, and nothing where it is not", async () => {
    using folder = temporaryFolder();
    await expect(open(folder, { create: false })).rejects.toMatchObject({ code: "BACKUP_NOT_FOUND" });
    expect(await inspectVault(folder.join("vault"), ARCHIVE_FORMS)).toBeUndefined();
    await using vault = await open(folder);
    expect(await inspectVault(folder.join("vault"), ARCHIVE_FORMS)).toEqual(vault.identity);
    expect(vault.identity.instance).toBe("contract");
    for (const path of ["vault", "vault/.vault", "vault/.vault/marks"]) expect(statSync(folder.join(path)).mode & 0o777).toBe(0o700);
    for (const path of ["vault.json", "vault.lock"]) expect(statSync(folder.join("vault/.vault", path)).mode & 0o777).toBe(0o600);
    expect((await open(folder, { create: false })).identity).toEqual(vault.identity);
  });

  it("refuses another instance's vault by name until it is adopted; its backups stay", async () => {
    using folder = temporaryFolder();
    await using vault = await open(folder);
    const head = await takeBackupOf(vault, FILES);
    await expect(open(folder, { name: "other" })).rejects.toMatchObject({
      code: "VAULT_FOREIGN",
      message: expect.stringContaining('"contract"') as string,
      details: { owner: "contract" },
    });
    const adopted = await adoptVault(folder.join("vault"), { instance: { name: "other" }, forms: ARCHIVE_FORMS });
    expect(adopted).toEqual({ ...vault.identity, instance: "other" });
    await using mine = await open(folder, { name: "other" });
    expect((await mine.list()).backups.map(({ id }) => id)).toEqual([head.id]);
    await expect(open(folder)).rejects.toMatchObject({ code: "VAULT_FOREIGN" });
  });

  it("refuses a folder with backups and no identity, which adoptVault() takes over by its backups", async () => {
    using folder = temporaryFolder();
    const vault = await open(folder, { form: "tar.gz" });
    const head = await takeBackupOf(vault, FILES);
    rmSync(folder.join("vault/.vault"), { recursive: true });
    await expect(open(folder)).rejects.toMatchObject({ code: "VAULT_DAMAGED", hint: expect.stringContaining("adopt") as string });
    expect(await inspectVault(folder.join("vault"), ARCHIVE_FORMS)).toMatchObject({ id: vault.identity.id, instance: "contract" });
    await adoptVault(folder.join("vault"), { instance: { name: "contract" }, forms: ARCHIVE_FORMS });
    await using again = await open(folder);
    expect((await again.list()).backups.map(({ id }) => id)).toEqual([head.id]);
    expect((await takeBackupOf(again, FILES)).manifest.sequence).toBe(2);
  });

  it("refuses a network file system, a newer format, and a damaged identity", async () => {
    using folder = temporaryFolder();
    const options = { path: folder.join("deep/er/vault"), instance: { name: "i" }, compression: true, create: true };
    await expect(openArchiveVault({ ...options, statfs: () => ({ type: 0x6969 }) })).rejects.toMatchObject({
      code: "FILE_SYSTEM_UNSUPPORTED",
      message: expect.stringContaining("NFS") as string,
    });
    await open(folder);
    writeFileSync(folder.join("vault/.vault/vault.json"), '{"format":3}');
    await expect(open(folder)).rejects.toMatchObject({ code: "VERSION_UNSUPPORTED" });
    for (const text of ["", "null", "{}", '{"format":1,"id":7}']) {
      writeFileSync(folder.join("vault/.vault/vault.json"), text);
      await expect(open(folder)).rejects.toMatchObject({ code: "VAULT_DAMAGED" });
    }
  });
});
