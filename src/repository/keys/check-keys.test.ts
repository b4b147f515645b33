import { truncateSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../../../test/support/temporary-folder.ts";
import { checkKeys } from "./check-keys.ts";
import { keyDocumentPath } from "./keys-folder.ts";
import { fingerprintOf, generateKeyFile, generateRecoveryCode, type Secret } from "./secret.ts";
import { layKeys, TEST_VAULT } from "./test-keys.ts";

const FILE = generateKeyFile("/home/op/acme.key");
const CODE = generateRecoveryCode();
const PASSPHRASE: Secret = { kind: "passphrase", text: "correct horse", label: "typed" };

describe("checkKeys()", () => {
  it("says slot by slot what opens, and which keys are of no use here", () => {
    using folder = temporaryFolder();
    const other = generateKeyFile("/etc/other.key");
    const first = layKeys(folder.path, [FILE, PASSPHRASE]);
    layKeys(folder.path, [FILE, CODE], [first]);
    const { epochs, useless } = checkKeys(folder.path, TEST_VAULT, [FILE, other]);
    const file = `key file "/home/op/acme.key" (${fingerprintOf(FILE)})`;
    expect(epochs.map(({ epoch, open, slots }) => [epoch, open, slots.map((slot) => [slot.kind, slot.opened_by])])).toEqual([
      [2, true, [["file", file], ["recovery", null]]],
      [1, true, [["file", file], ["passphrase", null]]],
    ]); // prettier-ignore
    expect(useless).toEqual([`key file "/etc/other.key" (${fingerprintOf(other)})`]);
    expect(JSON.stringify(epochs)).not.toContain(first.master.toString("base64"));
  });

  it("counts an epoch as open when a later one opens it, and as shut when only an older one is open", () => {
    using folder = temporaryFolder();
    const first = layKeys(folder.path, [PASSPHRASE]);
    layKeys(folder.path, [CODE], [first]);
    const opened = (...secrets: Secret[]): boolean[] => checkKeys(folder.path, TEST_VAULT, secrets).epochs.map(({ open }) => open);
    expect(opened(CODE)).toEqual([true, true]);
    expect(opened(PASSPHRASE)).toEqual([false, true]);
    expect(opened()).toEqual([false, false]);
  });

  it("reports damage, and goes on with the rest", () => {
    using folder = temporaryFolder();
    const first = layKeys(folder.path, [FILE]);
    layKeys(folder.path, [FILE], [first]);
    truncateSync(keyDocumentPath(folder.path, 2), 50);
    const [newest, oldest] = checkKeys(folder.path, TEST_VAULT, [FILE]).epochs;
    expect([newest?.open, newest?.problem]).toEqual([false, expect.stringContaining("Cannot read the keys of epoch 2")]);
    expect([oldest?.open, oldest?.problem]).toEqual([true, undefined]);
    expect(checkKeys(folder.path, "another", [FILE]).epochs[1]?.problem).toContain("another vault");
  });

  it("says of a vault in the clear that no key opens it, and of no vault nothing", () => {
    using folder = temporaryFolder();
    expect(checkKeys(folder.path, TEST_VAULT, [FILE]).epochs).toEqual([]);
    layKeys(folder.path, [{ kind: "none" }]);
    const { epochs } = checkKeys(folder.path, TEST_VAULT, []);
    expect([epochs[0]?.open, epochs[0]?.slots[0]?.opened_by]).toEqual([true, "no key"]);
  });
});
