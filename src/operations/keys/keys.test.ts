import { chmodSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { mountTmpfs } from "../../../test/support/mount-tmpfs.ts";
import { temporaryFolder } from "../../../test/support/temporary-folder.ts";
import { formatRecoveryCode, generateKeyFile, generateRecoveryCode, writeKeyFile } from "../../repository/index.ts";
import { generateKey } from "./generate-key.ts";
import { readGivenSecrets } from "./given-secrets.ts";
import { chooseKeyPlace, freeKeyPath, keysHome, refuseInsideVault } from "./key-place.ts";
import { oldKeyReach } from "./old-key-reach.ts";
import { recoverySheetText } from "./recovery-sheet.ts";

const CODE = generateRecoveryCode();
const PRINTED = formatRecoveryCode(CODE);

describe("readGivenSecrets()", () => {
  it("reads a key file, a passphrase and a recovery code, each from a file or from whoever is asked", async () => {
    using folder = temporaryFolder();
    const key = generateKeyFile(folder.join("a.key"));
    writeKeyFile(key.label, key);
    for (const [name, text] of [
      ["phrase", "correct horse\nnotes\n"],
      ["code", `${PRINTED.toLowerCase()}\n`],
    ] as const) {
      writeFileSync(folder.join(name), text, { mode: 0o600 });
    }
    const given = { keyFile: key.label, passphraseFile: folder.join("phrase"), recoveryCodeFile: folder.join("code") };
    expect(await readGivenSecrets(given)).toMatchObject([
      { kind: "file", bytes: key.bytes },
      { kind: "passphrase", text: "correct horse" },
      { kind: "recovery", bytes: CODE.bytes },
    ]);
    const ask = (what: string): Promise<string> => Promise.resolve(what === "passphrase" ? "typed in\n" : PRINTED);
    expect(await readGivenSecrets({ passphraseFile: "-", ask })).toMatchObject([{ text: "typed in" }]);
    expect(await readGivenSecrets({ recoveryCodeFile: "-", ask })).toMatchObject([{ bytes: CODE.bytes }]);
    await expect(readGivenSecrets({ passphraseFile: "-", recoveryCodeFile: "-", ask })).rejects.toMatchObject({ code: "USAGE" });
    await expect(readGivenSecrets({ recoveryCodeFile: "-" })).rejects.toMatchObject({ code: "USAGE" });
    expect(await readGivenSecrets({})).toEqual([]);
  });

  it("takes the recovery code off a whole sheet", async () => {
    using folder = temporaryFolder();
    const sheet = { instance: "acme", vault: "/mnt/it's", keyFile: null, code: CODE, fingerprint: "0000-0000", time: 0 };
    writeFileSync(folder.join("sheet"), recoverySheetText(sheet), { mode: 0o600 });
    expect(await readGivenSecrets({ recoveryCodeFile: folder.join("sheet") })).toMatchObject([{ bytes: CODE.bytes }]);
  });

  it("refuses a code in the place of a file, and a file that others may read, and repeats neither", async () => {
    using folder = temporaryFolder();
    for (const path of [PRINTED, PRINTED.toLowerCase().replaceAll("-", ""), join(folder.path, PRINTED)]) {
      const refused = readGivenSecrets({ recoveryCodeFile: path });
      await expect(refused).rejects.toMatchObject({ code: "USAGE", message: expect.stringContaining("never given as an argument") });
      await expect(refused).rejects.not.toThrow(path.slice(-30));
    }
    writeFileSync(folder.join("code"), PRINTED);
    chmodSync(folder.join("code"), 0o640);
    await expect(readGivenSecrets({ recoveryCodeFile: folder.join("code") })).rejects.toMatchObject({ code: "KEY_INVALID" });
    await expect(readGivenSecrets({ recoveryCodeFile: folder.join("none") })).rejects.toMatchObject({ code: "KEY_MISSING" });
  });
});

describe("generateKey()", () => {
  it("writes where it is told, for this account alone, never over a file and never into a vault", () => {
    using folder = temporaryFolder();
    const request = { output: folder.join("new", "a.key"), config: undefined, env: {} };
    const { file, fingerprint } = generateKey(request);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(fingerprint).toMatch(/^[0-9A-F]{4}-[0-9A-F]{4}$/);
    const before = readFileSync(file);
    expect(() => generateKey(request)).toThrow("is there already");
    expect(readFileSync(file)).toEqual(before);
    expect(() => generateKey({ config: undefined, env: {} })).toThrow("no configuration");
    expect(() => refuseInsideVault(folder.join("vault", "a.key"), folder.join("vault"))).toThrow("inside the vault");
    expect(() => refuseInsideVault(folder.join("vault-keys", "a.key"), folder.join("vault"))).not.toThrow();
  });
});

describe("chooseKeyPlace()", () => {
  it("keysHome() is that of the account, and no relative one", () => {
    expect(keysHome({ XDG_CONFIG_HOME: "/c", HOME: "/h" })).toBe("/c/holdfast");
    expect(keysHome({ XDG_CONFIG_HOME: "c", HOME: "/h" })).toBe("/h/.config/holdfast");
  });

  it("freeKeyPath() passes over every name that a key or a sheet has", () => {
    using folder = temporaryFolder();
    writeFileSync(folder.join("acme.key"), "");
    writeFileSync(folder.join("acme-2.recovery.txt"), "");
    expect(freeKeyPath(folder.path, "acme")).toBe(folder.join("acme-3.key"));
  });

  it("goes off the disk of the state where that can be, never onto that of the vault, and says when it cannot", (context) => {
    using folder = temporaryFolder();
    using disk = mountTmpfs(1024 * 1024, context, "/var/tmp/holdfast disk-");
    const mounts = `/dev/sdb1 ${disk.path.replaceAll(" ", String.raw`\040`)} ext4 rw 0 0`;
    const at = { folder: folder.path, instance: "acme" };
    const home = folder.join("home", ".config", "holdfast", "acme.key");
    const env = { HOME: folder.join("home") };
    expect(chooseKeyPlace({ ...at, vault: folder.join("vault"), env }, mounts)).toEqual({
      path: join(disk.path, "holdfast-keys", "acme.key"),
      why: `on another disk, mounted at "${disk.path}"`,
      besideState: false,
    });
    expect(chooseKeyPlace({ ...at, vault: join(disk.path, "vault"), env }, mounts)).toMatchObject({ path: home, besideState: true });
    expect(chooseKeyPlace({ ...at, vault: folder.join("vault"), env }, "")).toMatchObject({ path: home, besideState: true });
    const away = chooseKeyPlace({ ...at, vault: folder.join("vault"), env: { HOME: disk.path } }, "");
    expect(away).toMatchObject({ path: join(disk.path, ".config", "holdfast", "acme.key"), besideState: false });
    expect(existsSync(join(disk.path, "holdfast-keys"))).toBe(false);
  });
});

describe("oldKeyReach()", () => {
  it("is the newest backup and the longest that retention keeps one", () => {
    using folder = temporaryFolder();
    const retention = { maxCount: 1, maxAgeDays: 30, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0, keepTags: [], timezone: "UTC" };
    const reach = (changed: Partial<typeof retention>): ReturnType<typeof oldKeyReach> =>
      oldKeyReach({ backup: { path: folder.path, retention: { ...retention, ...changed } } });
    expect(reach({})).toEqual({ backups: 0, until: null });
    for (const name of ["2026-03-15T14-30-00_manual.backup", "2026-03-01T00-00-00_scheduled.backup", "x.backup", "keys"])
      writeFileSync(folder.join(name), "");
    expect(reach({})).toEqual({ backups: 2, until: "2026-04-14T14:30:00.000Z" });
    expect(reach({ monthly: 12 }).until).toBe("2027-03-22T14:30:00.000Z");
    rmSync(folder.join("2026-03-15T14-30-00_manual.backup"));
    expect(reach({ yearly: 1 }).until).toBe("2027-03-02T00:00:00.000Z");
  });
});
