import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { NO_RETENTION } from "../../../test/support/fake-vault.ts";
import { mountTmpfs } from "../../../test/support/mount-tmpfs.ts";
import { componentAt, patientIn } from "../../../test/support/patient.ts";
import { told, wrong } from "../../../test/support/sights.ts";
import { temporaryFolder } from "../../../test/support/temporary-folder.ts";
import { writeTree } from "../../../test/support/write-tree.ts";
import type { EncryptionConfig } from "../../config/index.ts";
import { generateKeyFile, generateRecoveryCode, openRepositoryVault, writeKeyFile } from "../../repository/index.ts";
import type { Patient } from "./check.ts";
import { checkEncryption } from "./encryption.ts";

/** State in the folder, or elsewhere, and a vault in the folder. */
function patient(folder: string, encryption: EncryptionConfig | null, state = `${folder}/state`): Patient {
  const backup = { ...NO_RETENTION, path: `${folder}/vault`, compression: true, include: ["state"] };
  const format = encryption === null ? ("archive" as const) : ("repository" as const);
  return patientIn(folder, { components: [componentAt("state", state)], config: { backup: { ...backup, format, encryption } } });
}

const keyAt = (path: string): EncryptionConfig => ({ kind: "key-file", path });

describe("checkEncryption()", () => {
  it("says of a vault without a key that whoever can read it can read the backups", async () => {
    using folder = temporaryFolder();
    for (const encryption of [null, { kind: "none" } as const])
      expect(told(await checkEncryption(patient(folder.path, encryption)))).toEqual([expect.stringMatching(/^ok .*can read the backups/)]);
    const program = { kind: "passphrase-command", passphraseCommand: ["ask"] } as const;
    expect(wrong(await checkEncryption(patient(folder.path, program)))).toEqual([]);
  });

  it("names a key that is not there, that others may read, and that lies in the vault", async () => {
    using folder = temporaryFolder();
    const key = folder.join("vault", "acme.key");
    const check = async (): Promise<string[]> => wrong(await checkEncryption(patient(folder.path, keyAt(key), folder.join("nowhere"))));
    expect(await check()).toEqual([expect.stringMatching(/^problem .*acme\.key: There is no key file/)]);
    writeKeyFile(key, generateKeyFile(key));
    expect(await check()).toEqual([expect.stringMatching(/^problem .*: It lies in the vault/)]);
    chmodSync(key, 0o644);
    expect(await check()).toEqual([
      expect.stringMatching(/^problem .*: Others may read it \(mode 0644\)/),
      expect.stringMatching(/It lies in the vault/),
    ]);
    const elsewhere = folder.join("keys", "acme.key");
    mkdirSync(folder.join("keys"));
    // A link takes nothing out of the vault.
    chmodSync(key, 0o600);
    symlinkSync(key, elsewhere);
    expect(wrong(await checkEncryption(patient(folder.path, keyAt(elsewhere), folder.join("nowhere"))))).toHaveLength(1);
    rmSync(elsewhere);
    writeFileSync(elsewhere, "passphrase", { mode: 0o600 });
    chownSync(elsewhere, 4711, 4711);
    const file = { kind: "passphrase-file", path: elsewhere } as const;
    expect(wrong(await checkEncryption(patient(folder.path, file, folder.join("nowhere"))))).toEqual([
      expect.stringMatching(/^warning .*: It belongs to user 4711, who may read it/),
    ]);
  });

  it.each([
    ["keys", "1.json"],
    [".vault", "keys", "1.json"],
  ])("warns when one of the two key documents of the vault is gone or damaged (%s), and says how to bring it back", async (...names) => {
    using folder = temporaryFolder();
    const common = { instance: { name: "acme" }, secrets: [{ kind: "none" }] as const, create: true };
    {
      await using _ = await openRepositoryVault({ ...common, path: folder.join("vault"), cacheFolder: folder.join("cache") });
    }
    const check = async (): Promise<string[]> => wrong(await checkEncryption(patient(folder.path, { kind: "none" })));
    expect(await check()).toEqual([]);
    const document = folder.join("vault", ...names);
    const whole = readFileSync(document);
    for (const harm of [() => rmSync(document), () => writeFileSync(document, whole.subarray(1))]) {
      harm();
      const found = (await checkEncryption(patient(folder.path, { kind: "none" }))).find(({ verdict }) => verdict === "warning");
      expect(found?.subject).toBe(document);
      execFileSync("sh", ["-c", found?.todo?.replace(/^Bring it back: /, "") ?? "false"]);
      expect(readFileSync(document).equals(whole)).toBe(true);
      expect(await check()).toEqual([]);
    }
  });

  it("warns of a key on the disk of what it protects, unless the vault opens in another way as well", async (test) => {
    using folder = temporaryFolder();
    using disk = mountTmpfs(1_000_000, test);
    writeTree(folder.path, { "state/a": "a" });
    const secret = generateKeyFile("acme.key");
    const [beside, inside, away] = [folder.join("acme.key"), folder.join("state", "acme.key"), `${disk.path}/acme.key`];
    for (const path of [beside, inside, away]) writeKeyFile(path, secret);
    const check = async (path: string): Promise<string[]> => told(await checkEncryption(patient(folder.path, keyAt(path))));
    expect(await check(away)).toEqual([expect.stringMatching(/^ok .*on another disk than what is protected/)]);
    expect(await check(beside)).toEqual([expect.stringMatching(/^warning .*on the same disk as state: .*without another copy of it/)]);
    const open = { path: folder.join("vault"), instance: { name: "acme" }, cacheFolder: folder.join("cache"), create: true };
    await using one = await openRepositoryVault({ ...open, secrets: [secret] });
    expect((await one.list()).backups).toEqual([]);
    expect(await check(beside)).toEqual([expect.stringMatching(/^warning .*on the same disk as state/)]);
    rmSync(folder.join("vault"), { recursive: true });
    await using two = await openRepositoryVault({ ...open, secrets: [secret, generateRecoveryCode()] });
    expect(two.identity.form).toBe("repository");
    expect(await check(beside)).toEqual([expect.stringMatching(/^ok .*more ways to open it: key file "acme\.key" .* or recovery code/)]);
    expect(await check(inside)).toEqual([expect.stringMatching(/^warning .*: It lies in state, and is left out of its backups/)]);
  });
});
