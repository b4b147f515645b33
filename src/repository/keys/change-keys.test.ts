import { existsSync, readdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryFolder, type TemporaryFolder } from "../../../test/support/temporary-folder.ts";
import { InterruptedError } from "../../kernel/index.ts";
import { layoutOf, underWriteLock, type LocalVault } from "../../local-vault/index.ts";
import { openRepositoryVault } from "../open-repository-vault.ts";
import { SEALED_FORM } from "../repository-form.ts";
import { addKey, removeKey, rotateKey, type KeyPlace } from "./change-keys.ts";
import { checkKeys } from "./check-keys.ts";
import { keyCopyPath, keyDocumentPath } from "./keys-folder.ts";
import { openKeys } from "./open-keys.ts";
import { generateKeyFile, generateRecoveryCode, type Secret } from "./secret.ts";
import { labelsOf, TEST_CLOCK } from "./test-keys.ts";

const FILE = generateKeyFile("/home/op/acme.key");
const OTHER = generateKeyFile("/home/op/other.key");
const CODE = generateRecoveryCode();
const NAME = { name: "acme" };

async function open(folder: TemporaryFolder, secrets: readonly Secret[], create = false): Promise<LocalVault> {
  return await openRepositoryVault({ path: folder.join("vault"), instance: NAME, secrets, cacheFolder: folder.join("cache"), create });
}

function placeOf(folder: TemporaryFolder, ...secrets: Secret[]): KeyPlace {
  return { path: folder.join("vault"), instance: NAME, secrets, clock: TEST_CLOCK };
}

/** The first bytes of a backup that was sealed in an epoch. */
function layBackup(folder: string, epoch: number, magic = "HOLDFBK1"): string {
  const head = Buffer.alloc(48);
  head.write(magic, 0, "latin1");
  head.writeUInt32LE(epoch, 8);
  const path = join(folder, "2026-03-15T14-30-00_manual.backup");
  writeFileSync(path, head);
  return path;
}

describe("keys of a vault that is in use", () => {
  it("addKey(), removeKey() and rotateKey() change who opens it", async () => {
    using folder = temporaryFolder();
    await using vault = await open(folder, [FILE, CODE], true);
    const slot = await addKey(placeOf(folder, FILE), OTHER);
    expect(labelsOf([slot])).toEqual(["file other.key"]);
    expect(labelsOf([await removeKey(placeOf(folder, OTHER), openKeys(vault.location, vault.identity.id, [FILE]).openedBy.id)])).toEqual([
      "file acme.key",
    ]);
    await expect(open(folder, [FILE])).rejects.toMatchObject({ code: "KEY_WRONG" });
    const code = generateRecoveryCode("of today");
    const { kept, added, left } = await rotateKey(placeOf(folder, OTHER), [OTHER, code]);
    expect([kept, added, left].map(labelsOf)).toEqual([["file other.key"], ["recovery of today"], ["recovery recovery code"]]);
    await expect(addKey(placeOf(folder, CODE), FILE)).rejects.toMatchObject({ code: "KEY_WRONG" });
  });

  it("stay as they are while somebody writes to the vault, and for another instance", async () => {
    using folder = temporaryFolder();
    await using vault = await open(folder, [FILE], true);
    const before = readFileSync(keyDocumentPath(vault.location, 1), "utf8");
    const stopping = new AbortController();
    await underWriteLock(vault.location, { what: "a backup" }, async () => {
      const waiting = addKey({ ...placeOf(folder, FILE), signal: stopping.signal }, OTHER);
      stopping.abort(new InterruptedError("INTERRUPTED", "Stopped"));
      await expect(waiting).rejects.toMatchObject({ code: "INTERRUPTED" });
    });
    await expect(addKey({ ...placeOf(folder, FILE), instance: { name: "another" } }, OTHER)).rejects.toMatchObject({
      code: "VAULT_FOREIGN",
    });
    expect(readFileSync(keyDocumentPath(vault.location, 1), "utf8")).toBe(before);
  });

  it("begin() refuses the keys of before a rotation, given anew and at hand since before it", async () => {
    using folder = temporaryFolder();
    await using since = await open(folder, [FILE], true);
    await rotateKey(placeOf(folder, FILE), [OTHER]);
    await using anew = await open(folder, [FILE]);
    await expect(anew.begin({ trigger: "manual", time: 0 })).rejects.toMatchObject({ code: "KEY_WRONG" });
    await expect(since.begin({ trigger: "manual", time: 0 })).rejects.toMatchObject({ code: "VAULT_BUSY" });
    await using vault = await open(folder, [OTHER]);
    await using draft = await vault.begin({ trigger: "manual", time: 0 });
    expect(draft.id).toBe("1970-01-01T00-00-00_manual");
  });

  it.each(["top", "trash"] as const)(
    "begin() and rotateKey() refuse older keys when the newest are gone and a backup in the %s names them",
    async (where) => {
      using folder = temporaryFolder();
      await using made = await open(folder, [FILE], true);
      await rotateKey(placeOf(folder, FILE), [OTHER]);
      layBackup(layoutOf(made.location, [SEALED_FORM])[where], 2);
      for (const path of [keyDocumentPath(made.location, 2), keyCopyPath(made.location, 2)]) rmSync(path);
      await using vault = await open(folder, [FILE]);
      const refused = { code: "VAULT_DAMAGED", message: expect.stringContaining("The keys of epoch 2") as unknown };
      await expect(vault.begin({ trigger: "manual", time: 0 })).rejects.toMatchObject(refused);
      await expect(rotateKey(placeOf(folder, FILE), [FILE])).rejects.toMatchObject(refused);
      expect(readdirSync(vault.location).filter((name) => name.endsWith(".partial"))).toEqual([]);
      expect(readdirSync(join(vault.location, "keys"))).toEqual(["1.json"]);
    },
  );

  it.each([
    ["of an older epoch", 1, "HOLDFBK1"],
    ["that names an epoch which no vault has", 4_000_000_000, "HOLDFBK1"],
    ["that is no sealed backup", 2, "HOLDFPK1"],
  ])("begin() is not held up by a file %s", async (_what, epoch, magic) => {
    using folder = temporaryFolder();
    await using vault = await open(folder, [FILE], true);
    layBackup(vault.location, epoch, magic);
    await using draft = await vault.begin({ trigger: "manual", time: 0 });
    expect(draft.id).toBe("1970-01-01T00-00-00_manual");
  });

  it("the newest document has a copy, which is taken when the document is lost or damaged, and that is said", async () => {
    using folder = temporaryFolder();
    await using vault = await open(folder, [FILE], true);
    const { location: path, identity } = vault;
    await rotateKey(placeOf(folder, FILE), [FILE, CODE]);
    await addKey(placeOf(folder, FILE), OTHER);
    expect(readdirSync(join(path, ".vault", "keys"))).toEqual(["2.json"]);
    const document = keyDocumentPath(path, 2);
    const text = readFileSync(document, "utf8");
    expect(readFileSync(keyCopyPath(path, 2), "utf8")).toBe(text);
    for (const harm of [(): void => truncateSync(document, 100), (): void => rmSync(join(path, "keys"), { recursive: true })]) {
      harm();
      for (const secret of [FILE, CODE, OTHER]) {
        const keys = openKeys(path, identity.id, [secret]);
        expect([keys.newest.epoch, keys.writable]).toEqual([2, true]);
        expect(keys.epoch(1).epoch).toBe(1);
        expect(keys.unusable.map(({ epoch, failure }) => [epoch, failure.hint])).toEqual([
          [2, expect.stringContaining("its copy is used")],
        ]);
      }
      // A wrong key is still called wrong.
      expect(() => openKeys(path, identity.id, [generateKeyFile("/x.key")])).toThrow(expect.objectContaining({ code: "KEY_WRONG" }));
    }
    expect(checkKeys(path, identity.id, [FILE]).epochs).toMatchObject([
      { epoch: 2, open: true, problem: expect.stringContaining("2.json") },
    ]);
    // Whoever changes the keys writes both anew.
    await removeKey(placeOf(folder, FILE), openKeys(path, identity.id, [OTHER]).openedBy.id);
    expect(existsSync(document)).toBe(true);
    expect(openKeys(path, identity.id, [FILE]).unusable).toEqual([]);
  });

  it("a vault that has lost the documents of all epochs but the copy never gets others", async () => {
    using folder = temporaryFolder();
    await using vault = await open(folder, [FILE], true);
    const key = openKeys(vault.location, vault.identity.id, [FILE]).newest;
    renameSync(join(vault.location, "keys"), folder.join("gone"));
    await using again = await open(folder, [FILE], true);
    expect(openKeys(again.location, again.identity.id, [FILE]).newest).toEqual(key);
  });
});
