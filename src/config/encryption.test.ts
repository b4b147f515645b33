import { describe, expect, it } from "vitest";
import { LEAST, testPlace } from "./test-place.ts";

const repository = (encryption: string): string => `${LEAST}  format: repository\n  encryption: ${encryption}\n`;

describe("backup.encryption", () => {
  it("is what opens a repository, in one of four ways, with absolute paths", () => {
    using place = testPlace();
    const encryptionOf = (text: string, env = {}): unknown => place.load(repository(text), env).backup.encryption;
    expect(encryptionOf("none")).toEqual({ kind: "none" });
    expect(encryptionOf("{ key_file: ../acme.key }")).toEqual({ kind: "key-file", path: place.join("../acme.key") });
    expect(encryptionOf("{ key_file: ~/acme.key }", { HOME: "/home/acme" })).toEqual({ kind: "key-file", path: "/home/acme/acme.key" });
    expect(encryptionOf("{ passphrase_file: /run/secrets/p }")).toEqual({ kind: "passphrase-file", path: "/run/secrets/p" });
    expect(encryptionOf("{ passphrase_command: [./ask, acme] }")).toEqual({
      kind: "passphrase-command",
      passphraseCommand: [place.join("ask"), "acme"],
    });
  });

  it("is none of an archive, which is what a configuration without `format` has", () => {
    using place = testPlace();
    expect(place.load(LEAST).backup).toMatchObject({ format: "archive", encryption: null, compression: true });
  });

  it("stands beside `compression`, which a repository has no use for and does not refuse (synthorg#449)", () => {
    using place = testPlace();
    expect(place.load(`${repository("none")}  compression: true\n`).backup).toMatchObject({ format: "repository", compression: true });
  });

  it("comes from the environment as a word, as a map, or key by key", () => {
    using place = testPlace();
    const loaded = (env: NodeJS.ProcessEnv): unknown =>
      place.load(LEAST, { HOLDFAST_BACKUP__FORMAT: "repository", ...env }).backup.encryption;
    expect(loaded({ HOLDFAST_BACKUP__ENCRYPTION: "none" })).toEqual({ kind: "none" });
    expect(loaded({ HOLDFAST_BACKUP__ENCRYPTION__KEY_FILE: "/keys/a" })).toEqual({ kind: "key-file", path: "/keys/a" });
    expect(loaded({ HOLDFAST_BACKUP__ENCRYPTION: '{"passphrase_command": ["ask"]}' })).toEqual({
      kind: "passphrase-command",
      passphraseCommand: ["ask"],
    });
    expect(place.problems(LEAST, { HOLDFAST_BACKUP__ENCRYPTION__KEY_FILE: "/keys/a" })).toMatchObject([
      { key: "backup.encryption.key_file", variable: "HOLDFAST_BACKUP__ENCRYPTION__KEY_FILE" },
    ]);
  });
});
