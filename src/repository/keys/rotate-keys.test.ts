import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { runProgram } from "../../../test/support/run-program.ts";
import { temporaryFolder } from "../../../test/support/temporary-folder.ts";
import { writeKeyFile } from "./key-file.ts";
import { keyDocumentPath, keysFolder } from "./keys-folder.ts";
import { openKeys } from "./open-keys.ts";
import { rotateKeys } from "./rotate-keys.ts";
import { generateKeyFile, generateRecoveryCode, type Secret } from "./secret.ts";
import { failureOf, labelsOf, layKeys, TEST_CLOCK, TEST_VAULT } from "./test-keys.ts";

const FILE = generateKeyFile("/home/op/acme.key");
const LOST = generateKeyFile("/lost.key");
const open = (folder: string, ...secrets: Secret[]): ReturnType<typeof openKeys> => openKeys(folder, TEST_VAULT, secrets);
const HERE = (name: string): string => new URL(name, import.meta.url).href;

describe("rotateKeys()", () => {
  it("begins an epoch that only the secrets at hand open, and says who is left behind", () => {
    using folder = temporaryFolder();
    const oldCode = generateRecoveryCode("old sheet");
    const newCode = generateRecoveryCode("new sheet");
    const first = layKeys(folder.path, [FILE, LOST, oldCode]);
    const before = open(folder.path, FILE);
    const rotation = rotateKeys(folder.path, TEST_VAULT, before, [FILE, newCode], TEST_CLOCK);
    expect(rotation.epoch).toBe(2);
    expect(labelsOf(rotation.kept)).toEqual(["file acme.key"]);
    expect(labelsOf(rotation.added)).toEqual(["recovery new sheet"]);
    expect(labelsOf(rotation.left)).toEqual(["file lost.key", "recovery old sheet"]);
    expect(rotation.keys.newest.master).not.toEqual(first.master);
    for (const secret of [FILE, newCode]) {
      const keys = open(folder.path, secret);
      expect([keys.newest, keys.epoch(1), keys.writable]).toEqual([rotation.keys.newest, first, true]);
    }
    for (const secret of [LOST, oldCode]) {
      const keys = open(folder.path, secret);
      expect([keys.newest, keys.writable]).toEqual([first, false]);
    }
    // The id of a slot stays with its secret.
    expect(rotation.kept[0]?.id).toBe(before.openedBy.id);
    expect(rotation.added[0]?.id).not.toBe(before.openedBy.id);
    expect(rotation.keys.epoch(1)).toEqual(first);
  });

  it("keeps every epoch open over many rotations", () => {
    using folder = temporaryFolder();
    const masters = [layKeys(folder.path, [FILE]).master];
    for (let epoch = 2; epoch <= 12; epoch += 1) {
      const { keys } = rotateKeys(folder.path, TEST_VAULT, open(folder.path, FILE), [FILE, FILE], TEST_CLOCK);
      masters.push(keys.newest.master);
    }
    const keys = open(folder.path, FILE);
    expect(masters.map((_, index) => keys.epoch(index + 1).master)).toEqual(masters);
    expect(new Set(masters.map((master) => master.toString("hex"))).size).toBe(12);
    // A vault that has lost its older documents loses nothing.
    for (let epoch = 1; epoch < 12; epoch += 1) writeFileSync(keyDocumentPath(folder.path, epoch), "");
    expect(open(folder.path, FILE).epoch(1).master).toEqual(masters[0]);
  });

  it("takes a vault without encryption to one with it", () => {
    using folder = temporaryFolder();
    const first = layKeys(folder.path, [{ kind: "none" }]);
    const rotation = rotateKeys(folder.path, TEST_VAULT, open(folder.path), [FILE], TEST_CLOCK);
    expect(labelsOf(rotation.left)).toEqual(["none not encrypted"]);
    expect([open(folder.path, FILE).epoch(1), open(folder.path, FILE).writable]).toEqual([first, true]);
    expect([open(folder.path).newest, open(folder.path).writable]).toEqual([first, false]);
  });

  it("never begins an epoch in the clear, nor one that nobody opens, nor from keys that are no longer the newest", () => {
    using folder = temporaryFolder();
    layKeys(folder.path, [FILE, LOST]);
    const keys = open(folder.path, FILE);
    for (const secrets of [[], [{ kind: "none" }], [FILE, { kind: "none" }]] as Secret[][]) {
      expect(failureOf(() => rotateKeys(folder.path, TEST_VAULT, keys, secrets, TEST_CLOCK)).code).toBe("USAGE");
    }
    expect(readdirSync(keysFolder(folder.path))).toEqual(["1.json"]);
    rotateKeys(folder.path, TEST_VAULT, keys, [FILE], TEST_CLOCK);
    const before = readFileSync(keyDocumentPath(folder.path, 2), "utf8");
    expect(failureOf(() => rotateKeys(folder.path, TEST_VAULT, keys, [FILE], TEST_CLOCK)).code).toBe("VAULT_BUSY");
    expect(failureOf(() => rotateKeys(folder.path, TEST_VAULT, open(folder.path, LOST), [LOST], TEST_CLOCK)).code).toBe("KEY_WRONG");
    expect(readFileSync(keyDocumentPath(folder.path, 2), "utf8")).toBe(before);
  });

  it("gives way to a rotation that was quicker", () => {
    using folder = temporaryFolder();
    const first = layKeys(folder.path, [FILE]);
    let theirs: Buffer | undefined;
    const clock = { now: () => ((theirs = layKeys(folder.path, [FILE], [first]).master), 0) };
    expect(failureOf(() => rotateKeys(folder.path, TEST_VAULT, open(folder.path, FILE), [FILE], clock)).code).toBe("VAULT_BUSY");
    expect(open(folder.path, FILE).newest.master).toEqual(theirs);
    expect(readdirSync(keysFolder(folder.path)).toSorted()).toEqual(["1.json", "2.json"]);
  });

  it.each([
    ["key-rotate-before-publish", 1],
    ["key-rotate-published", 2],
  ] as const)("killed at %s leaves epoch %i whole, and the next rotation works", async (point, newest) => {
    using folder = temporaryFolder();
    const vault = folder.join("vault");
    const file = folder.join("acme.key");
    const secret = generateKeyFile(file);
    writeKeyFile(file, secret);
    const first = layKeys(vault, [secret]);
    const code = `import { readKeyFile } from ${JSON.stringify(HERE("./key-file.ts"))};
      import { openKeys } from ${JSON.stringify(HERE("./open-keys.ts"))};
      import { rotateKeys } from ${JSON.stringify(HERE("./rotate-keys.ts"))};
      const [vault, id, file] = process.argv.slice(1);
      const secret = readKeyFile(file);
      rotateKeys(vault, id, openKeys(vault, id, [secret]), [secret], { now: () => 0 });`;
    const argv = [process.execPath, "--input-type=module", "-e", code, vault, TEST_VAULT, file];
    const { signal, stderr } = await runProgram(argv, { env: { HOLDFAST_CRASHPOINT: point } });
    expect([signal, stderr]).toEqual(["SIGKILL", ""]);
    const keys = open(vault, secret);
    expect([keys.newest.epoch, keys.epoch(1), keys.writable, keys.unusable]).toEqual([newest, first, true, []]);
    expect(rotateKeys(vault, TEST_VAULT, keys, [secret], TEST_CLOCK).epoch).toBe(newest + 1);
    expect(open(vault, secret).epoch(1)).toEqual(first);
  });
});
