import { readdirSync, readFileSync, statSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../../../test/support/temporary-folder.ts";
import { keyDocumentPath, keysFolder } from "./keys-folder.ts";
import { addSlot, createKeys, removeSlot } from "./make-keys.ts";
import { openKeys } from "./open-keys.ts";
import { generateKeyFile, generateRecoveryCode, parsePassphrase, type Secret } from "./secret.ts";
import { failureOf, labelsOf, layKeys, TEST_CLOCK, TEST_VAULT } from "./test-keys.ts";

const FILE = generateKeyFile("/home/op/acme.key");
const NONE: Secret = { kind: "none" };
const open = (folder: string, ...secrets: Secret[]): ReturnType<typeof openKeys> => openKeys(folder, TEST_VAULT, secrets);
const documentIn = (folder: string): string => readFileSync(keyDocumentPath(folder, 1), "utf8");

describe("createKeys()", () => {
  it("makes keys that each of the secrets opens, a passphrase at its full cost among them", () => {
    using folder = temporaryFolder();
    const secrets = [FILE, generateRecoveryCode(), parsePassphrase("correct horse", "passphrase.txt")];
    const made = createKeys(folder.path, TEST_VAULT, secrets, TEST_CLOCK);
    expect([made.newest.epoch, made.writable, made.openedBy.label]).toEqual([1, true, "acme.key"]);
    for (const secret of secrets) expect(open(folder.path, secret).newest).toEqual(made.newest);
    expect(documentIn(folder.path)).toContain('"memory_kib": 65536');
    expect(documentIn(folder.path)).toContain('"created_at": "2026-03-15T14:30:00.000Z"');
    expect(documentIn(folder.path)).not.toContain(made.newest.master.toString("base64"));
    expect(statSync(keyDocumentPath(folder.path, 1)).mode & 0o777).toBe(0o600);
    expect(readdirSync(keysFolder(folder.path))).toEqual(["1.json"]);
  });

  it("lays the master key in the clear when that is asked for, and never beside a wrapped one", () => {
    using folder = temporaryFolder();
    expect(failureOf(() => createKeys(folder.path, TEST_VAULT, [NONE, FILE], TEST_CLOCK)).code).toBe("USAGE");
    expect(failureOf(() => createKeys(folder.path, TEST_VAULT, [], TEST_CLOCK)).code).toBe("USAGE");
    expect(readdirSync(folder.path)).toEqual([]);
    const made = createKeys(folder.path, TEST_VAULT, [NONE], TEST_CLOCK);
    expect(open(folder.path).newest).toEqual(made.newest);
  });

  it("never writes over keys, of whatever epoch they are", () => {
    using folder = temporaryFolder();
    const first = layKeys(folder.path, [FILE]);
    const before = documentIn(folder.path);
    expect(failureOf(() => createKeys(folder.path, TEST_VAULT, [FILE], TEST_CLOCK)).code).toBe("FILE_EXISTS");
    expect(documentIn(folder.path)).toBe(before);
    expect(open(folder.path, FILE).newest).toEqual(first);
    using other = temporaryFolder();
    // Somebody else makes them between the look and the write.
    let theirs: Buffer | undefined;
    const clock = { now: () => ((theirs = layKeys(other.path, [FILE]).master), 0) };
    expect(failureOf(() => createKeys(other.path, TEST_VAULT, [FILE], clock)).code).toBe("FILE_EXISTS");
    expect(open(other.path, FILE).newest.master).toEqual(theirs);
  });

  it("takes the same key given twice for one, and keeps no control character of a label", () => {
    using folder = temporaryFolder();
    const odd = generateKeyFile(`/keys/\u001b[2J${"é".repeat(200)}\u202e.key`);
    createKeys(folder.path, TEST_VAULT, [odd, { ...odd, label: "again" }], TEST_CLOCK);
    const { slots } = JSON.parse(documentIn(folder.path)) as { slots: { label: string }[] };
    expect(slots.map(({ label }) => label)).toEqual(["again"]);
    using other = temporaryFolder();
    expect(createKeys(other.path, TEST_VAULT, [odd], TEST_CLOCK).openedBy.label).toMatch(/^\[2Jé{77}$/);
  });
});

describe("addSlot()", () => {
  it("lets one more secret open the vault, and changes nothing for the others", () => {
    using folder = temporaryFolder();
    const key = layKeys(folder.path, [FILE]);
    const code = generateRecoveryCode("sheet of March");
    const added = addSlot(folder.path, TEST_VAULT, open(folder.path, FILE), code, TEST_CLOCK);
    expect(labelsOf([added])).toEqual(["recovery sheet of March"]);
    for (const secret of [FILE, code]) expect(open(folder.path, secret).newest).toEqual(key);
    expect(readdirSync(keysFolder(folder.path))).toEqual(["1.json"]);
  });

  it("refuses what opens the vault already, and what would make it only look encrypted", () => {
    using folder = temporaryFolder();
    using clear = temporaryFolder();
    layKeys(folder.path, [FILE]);
    layKeys(clear.path, [NONE]);
    const before = documentIn(folder.path);
    const add = (where: string, secret: Secret, ...by: Secret[]): string =>
      failureOf(() => addSlot(where, TEST_VAULT, open(where, ...by), secret, TEST_CLOCK)).message;
    expect(add(folder.path, { ...FILE, label: "again" }, FILE)).toContain('opens with it already, as key file "acme.key"');
    expect(add(folder.path, NONE, FILE)).toContain("in the clear");
    expect(add(clear.path, FILE)).toContain("in the clear");
    expect(documentIn(folder.path)).toBe(before);
  });

  it("refuses keys that open only older backups, and keys of a vault that changed meanwhile", () => {
    using folder = temporaryFolder();
    const first = layKeys(folder.path, [FILE]);
    const keys = open(folder.path, FILE);
    layKeys(folder.path, [generateKeyFile("new.key")], [first]);
    const add = (by: typeof keys): string => failureOf(() => addSlot(folder.path, TEST_VAULT, by, generateRecoveryCode(), TEST_CLOCK)).code;
    expect(add(open(folder.path, FILE))).toBe("KEY_WRONG");
    expect(add(keys)).toBe("VAULT_BUSY");
    layKeys(folder.path, [FILE]);
    using other = temporaryFolder();
    layKeys(other.path, [FILE]);
    // The master key of another vault never gets into the slots of this one.
    expect(failureOf(() => addSlot(other.path, TEST_VAULT, keys, generateRecoveryCode(), TEST_CLOCK)).code).toBe("VAULT_DAMAGED");
  });
});

describe("removeSlot()", () => {
  it("shuts one secret out of the newest epoch, and leaves the others", () => {
    using folder = temporaryFolder();
    const code = generateRecoveryCode();
    const key = layKeys(folder.path, [FILE, code]);
    const { id } = open(folder.path, code).openedBy;
    expect(labelsOf([removeSlot(folder.path, TEST_VAULT, open(folder.path, FILE), id)])).toEqual(["recovery recovery code"]);
    expect(failureOf(() => open(folder.path, code)).code).toBe("KEY_WRONG");
    expect(open(folder.path, FILE).newest).toEqual(key);
  });

  it("never removes the last one, nor the one that opened the vault, nor one that is not there", () => {
    using folder = temporaryFolder();
    const code = generateRecoveryCode();
    layKeys(folder.path, [FILE, code]);
    const keys = open(folder.path, FILE);
    const remove = (id: string): string => failureOf(() => removeSlot(folder.path, TEST_VAULT, keys, id)).message;
    expect(remove(keys.openedBy.id)).toContain("it is what opened the vault just now");
    expect(remove("0000000000000000")).toContain("no key slot");
    removeSlot(folder.path, TEST_VAULT, keys, open(folder.path, code).openedBy.id);
    expect(remove(keys.openedBy.id)).toContain("nothing else opens the vault");
    expect(open(folder.path, FILE).writable).toBe(true);
  });
});
