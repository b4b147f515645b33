import { argon2Sync, createDecipheriv, hkdfSync } from "node:crypto";
import { execFileSync } from "node:child_process";
import { closeSync, copyFileSync, mkdirSync, openSync, readFileSync, rmSync, truncateSync, writeFileSync, writeSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../../../test/support/temporary-folder.ts";
import { HoldfastError } from "../../kernel/index.ts";
import type { EpochKey } from "./epoch-key.ts";
import { keyDocumentPath, keysFolder } from "./keys-folder.ts";
import { openKeys } from "./open-keys.ts";
import { fingerprintOf, generateKeyFile, generateRecoveryCode, type Secret } from "./secret.ts";
import { failureOf, layKeys, TEST_VAULT } from "./test-keys.ts";

const FILE = generateKeyFile("/home/op/acme.key");
const CODE = generateRecoveryCode();
const PASSPHRASE: Secret = { kind: "passphrase", text: "correct horse", label: "typed" };
const NONE: Secret = { kind: "none" };
const open = (folder: string, ...secrets: Secret[]): ReturnType<typeof openKeys> => openKeys(folder, TEST_VAULT, secrets);

interface Wrapped {
  readonly id: string;
  readonly kind: string;
  readonly salt: string;
  readonly wrapped: string;
  readonly kdf: { readonly memory_kib: number; readonly passes: number; readonly parallelism: number };
}

describe("openKeys()", () => {
  it("opens a vault with a secret of every kind", () => {
    using folder = temporaryFolder();
    const { master } = layKeys(folder.path, [FILE, CODE, PASSPHRASE]);
    for (const secret of [FILE, CODE, PASSPHRASE]) {
      const keys = open(folder.path, secret);
      expect(keys.newest).toEqual({ epoch: 1, master });
      expect(keys.epoch(1).master).toEqual(master);
      expect([keys.writable, keys.openedBy.kind, keys.openedBy.epoch]).toEqual([true, secret.kind, 1]);
    }
    expect(open(folder.path, FILE).openedBy.label).toBe("acme.key");
  });

  it("opens a vault without encryption with no secret, or with the word none", () => {
    using folder = temporaryFolder();
    const { master } = layKeys(folder.path, [NONE]);
    expect(open(folder.path).newest.master).toEqual(master);
    expect(open(folder.path, NONE).openedBy.kind).toBe("none");
  });

  it("reads nothing else than what the format describes", () => {
    using folder = temporaryFolder();
    const { master } = layKeys(folder.path, [FILE, CODE, PASSPHRASE]);
    const document = JSON.parse(readFileSync(keyDocumentPath(folder.path, 1), "utf8")) as {
      vault: string;
      epoch: number;
      slots: Wrapped[];
    };
    for (const { id, kind, salt, wrapped, kdf } of document.slots) {
      const nonce = Buffer.from(salt, "base64");
      const key =
        kind === "passphrase"
          ? argon2Sync("argon2id", {
              message: PASSPHRASE.text,
              nonce,
              parallelism: kdf.parallelism,
              tagLength: 32,
              memory: kdf.memory_kib,
              passes: kdf.passes,
            })
          : Buffer.from(hkdfSync("sha256", kind === "file" ? FILE.bytes : CODE.bytes, nonce, `holdfast slot ${kind}`, 32));
      const sealed = Buffer.from(wrapped, "base64");
      const decipher = createDecipheriv("aes-256-gcm", key, sealed.subarray(0, 12));
      decipher.setAAD(Buffer.from(`holdfast slot 1|${document.vault}|${document.epoch}|${id}`)).setAuthTag(sealed.subarray(44));
      expect(Buffer.concat([decipher.update(sealed.subarray(12, 44)), decipher.final()])).toEqual(master);
    }
    expect(document.slots.length).toBe(3);
  });

  it("names the key that was tried and the keys that would fit, of every kind", () => {
    using folder = temporaryFolder();
    layKeys(folder.path, [FILE, CODE, PASSPHRASE]);
    const fits = `it opens with key file "acme.key" (${fingerprintOf(FILE)}), recovery code (${fingerprintOf(CODE)}) or passphrase "typed"`;
    const wrongFile = generateKeyFile("/etc/other.key");
    const wrongCode = generateRecoveryCode();
    const of = (...secrets: Secret[]): HoldfastError => failureOf(() => open(folder.path, ...secrets));
    const told = (tried: string): string => `Cannot open the vault "${folder.path}" with ${tried}: ${fits}`;
    expect(of(wrongFile).message).toBe(told(`key file "/etc/other.key" (${fingerprintOf(wrongFile)})`));
    expect(of(wrongCode).message).toBe(told(`recovery code (${fingerprintOf(wrongCode)})`));
    expect(of({ ...PASSPHRASE, text: "Correct horse" }).message).toBe(told('the passphrase of "typed"'));
    // The bytes of one kind do not open a slot of another.
    expect(of({ ...CODE, kind: "file", label: "x" }).code).toBe("KEY_WRONG");
    const { code, hint, details } = of(wrongFile, wrongCode);
    expect([code, details?.["epoch"]]).toEqual(["KEY_WRONG", 1]);
    expect(hint).toContain("recovery code");
  });

  it("sends who gave a wrong passphrase back to the passphrase, and to a key file only where that is what opens the vault", () => {
    using folder = temporaryFolder();
    const wrong = { ...PASSPHRASE, text: "Correct horse" };
    const hintOf = (secrets: Secret[], tried: Secret): string | undefined => {
      layKeys(folder.path, secrets);
      return failureOf(() => open(folder.path, tried)).hint;
    };
    expect(hintOf([PASSPHRASE], wrong)).toMatch(/^Type the passphrase again, capitals and spaces as they were; a vault/);
    expect(hintOf([FILE, CODE, PASSPHRASE], wrong)).toMatch(/^Type the passphrase again.*, or give a key file or the recovery code;/);
    expect(hintOf([FILE], wrong)).toMatch(/^Look for that key file by its fingerprint;/);
    expect(hintOf([FILE, CODE], generateRecoveryCode())).toMatch(/^Look for the recovery sheet with that fingerprint, or give a key file;/);
  });

  it("says that a key is needed when none was given", () => {
    using folder = temporaryFolder();
    layKeys(folder.path, [FILE]);
    for (const secrets of [[], [NONE]]) {
      const failure = failureOf(() => open(folder.path, ...secrets));
      expect(failure.code).toBe("KEY_MISSING");
      expect(failure.message).toContain(`no key was given: it opens with key file "acme.key" (${fingerprintOf(FILE)})`);
    }
  });

  it("does not take a key in the clear for the one that was given", () => {
    using folder = temporaryFolder();
    const first = layKeys(folder.path, [FILE]);
    // Somebody who may write to the vault, and knows no key, lays one of their own there.
    const forged = layKeys(folder.path, [NONE], [{ epoch: 1, master: Buffer.alloc(32) }]);
    const keys = open(folder.path, FILE);
    expect(keys.newest.master).toEqual(first.master);
    expect(keys.newest.master).not.toEqual(forged.master);
    expect(keys.writable).toBe(false);
    rmSync(keyDocumentPath(folder.path, 1));
    expect(failureOf(() => open(folder.path, FILE)).message).toContain("is not encrypted");
  });

  it("opens every epoch before the one that a secret opens, and none after it", () => {
    using folder = temporaryFolder();
    const lost = generateKeyFile("/lost.key");
    const epochs: EpochKey[] = [];
    for (const secrets of [[FILE, lost], [FILE], [CODE]]) epochs.push(layKeys(folder.path, secrets, [...epochs]));
    const all = open(folder.path, CODE);
    expect([1, 2, 3].map((epoch) => all.epoch(epoch))).toEqual(epochs);
    const two = open(folder.path, FILE);
    expect([two.newest, two.epoch(1), two.writable]).toEqual([epochs[1], epochs[0], false]);
    const one = open(folder.path, lost);
    expect([one.newest.epoch, one.writable, one.openedBy.epoch]).toEqual([1, false, 1]);
    const later = failureOf(() => one.epoch(2));
    expect([later.code, later.message]).toEqual([
      "KEY_WRONG",
      "This was sealed with the keys of epoch 2, and what was given opens epoch 1 and older",
    ]);
    for (const epoch of [0, 4, 2 ** 32 - 1, -1, Number.NaN]) expect(failureOf(() => all.epoch(epoch)).code).toBe("VAULT_DAMAGED");
    expect(open(folder.path, lost, CODE).writable).toBe(true);
  });

  it("refuses the keys of another vault, also when they say that they are of this one", () => {
    using folder = temporaryFolder();
    for (const secret of [FILE, NONE]) {
      layKeys(folder.path, [secret]);
      const path = keyDocumentPath(folder.path, 1);
      expect(failureOf(() => openKeys(folder.path, "another", [secret])).message).toContain("belong to another vault");
      writeFileSync(path, readFileSync(path, "utf8").replace(TEST_VAULT, "another"));
      expect(["KEY_WRONG", "VAULT_DAMAGED"]).toContain(failureOf(() => openKeys(folder.path, "another", [secret])).code);
    }
  });

  it("refuses the keys of one epoch under the name of another", () => {
    using folder = temporaryFolder();
    layKeys(folder.path, [FILE]);
    copyFileSync(keyDocumentPath(folder.path, 1), keyDocumentPath(folder.path, 2));
    const keys = open(folder.path, FILE);
    expect([keys.newest.epoch, keys.writable]).toEqual([1, false]);
    expect(failureOf(() => keys.epoch(2)).message).toContain('"epoch" must be 2');
  });

  it("refuses earlier keys that are not those of every epoch before", () => {
    using folder = temporaryFolder();
    layKeys(folder.path, [FILE], [{ epoch: 5, master: Buffer.alloc(32) }]);
    expect(failureOf(() => open(folder.path, FILE)).message).toContain("the earlier keys in it do not open");
  });

  it("goes on to what older keys open when the newest are damaged, and lets nobody write with them", () => {
    using folder = temporaryFolder();
    const first = layKeys(folder.path, [FILE]);
    layKeys(folder.path, [FILE], [first]);
    truncateSync(keyDocumentPath(folder.path, 2), 100);
    const keys = open(folder.path, FILE);
    expect([keys.newest, keys.writable]).toEqual([first, false]);
    expect(keys.unusable.map(({ epoch, failure }) => [epoch, failure.code])).toEqual([[2, "MANIFEST_INVALID"]]);
    expect(failureOf(() => open(folder.path, CODE)).code).toBe("MANIFEST_INVALID");
  });

  it("names what is wrong with a vault that has no keys, or something else in their place", () => {
    using folder = temporaryFolder();
    expect(failureOf(() => open(folder.path, FILE)).code).toBe("VAULT_DAMAGED");
    mkdirSync(keysFolder(folder.path));
    for (const name of ["0.json", "01.json", "99999.json", "x.json", ".1.json.tmp"])
      writeFileSync(`${keysFolder(folder.path)}/${name}`, "");
    expect(failureOf(() => open(folder.path, FILE)).message).toContain("has no keys");
    execFileSync("mkfifo", [keyDocumentPath(folder.path, 1)]);
    expect(failureOf(() => open(folder.path, FILE)).message).toContain("is not a file");
    writeFileSync(keyDocumentPath(folder.path, 2), Buffer.alloc(1024 * 1024 + 1, " "));
    expect(failureOf(() => open(folder.path, FILE)).message).toContain("has more than 1048576 bytes");
  });

  it("refuses slots that ask for more work than anybody's, before doing any of it", () => {
    using folder = temporaryFolder();
    layKeys(folder.path, [PASSPHRASE]);
    const path = keyDocumentPath(folder.path, 1);
    const text = readFileSync(path, "utf8");
    writeFileSync(path, text.replace('"memory_kib": 8', '"memory_kib": 1073741824'));
    expect(failureOf(() => open(folder.path, PASSPHRASE)).message).toContain("must be at most 1048576");
    writeFileSync(path, text.replace('"passes": 1', '"passes": 1000000000'));
    expect(failureOf(() => open(folder.path, PASSPHRASE)).message).toContain("must be at most 16");
  });

  it.each([[[FILE, CODE, PASSPHRASE]], [[NONE]]])("never opens wrongly with any byte of the keys changed (%#)", (secrets) => {
    using folder = temporaryFolder();
    const first = layKeys(folder.path, secrets);
    const keys = [first, layKeys(folder.path, secrets, [first])];
    const seen = { opened: 0, older: 0, refused: 0 };
    for (const epoch of [2, 1]) {
      const path = keyDocumentPath(folder.path, epoch);
      const whole = readFileSync(path);
      const file = openSync(path, "r+");
      for (const index of whole.keys()) {
        // In place: a file that is truncated and written anew is flushed at each close.
        writeSync(file, Buffer.from([whole[index]! ^ (1 << (index % 7))]), 0, 1, index);
        // The older one with one secret: the code is the same, and the time is not ours.
        for (const secret of epoch === 2 ? secrets : secrets.slice(0, 1)) {
          try {
            const { newest, writable, epoch: of } = open(folder.path, secret);
            if (!newest.master.equals(keys[newest.epoch - 1]!.master) || !of(1).master.equals(first.master))
              throw new Error(`byte ${index}`);
            if (writable !== (newest.epoch === epoch)) throw new Error(`writable at byte ${index}`);
            seen[newest.epoch === epoch ? "opened" : "older"] += 1;
          } catch (error) {
            if (!(error instanceof HoldfastError)) throw error;
            seen.refused += 1;
          }
        }
        writeSync(file, whole, index, 1, index);
      }
      closeSync(file);
      // Then the first alone.
      rmSync(path);
    }
    expect(Math.min(seen.opened, seen.older, seen.refused)).toBeGreaterThan(20);
  });
});
