import { InternalError } from "../kernel/index.ts";
import { type Absolute, argvOf } from "./build-runtime.ts";
import type { EncryptionConfig } from "./config.ts";
import type { RawBackup } from "./raw-config.ts";

/** null in archive form. check-encryption.ts has seen to it that a repository says exactly one. */
export function encryptionOf({ format, encryption }: RawBackup, absolute: Absolute): EncryptionConfig | null {
  if (format !== "repository") return null;
  if (typeof encryption === "string") return { kind: "none" };
  const { key_file: keyFile, passphrase_file: passphraseFile, passphrase_command: command } = encryption ?? {};
  if (keyFile !== undefined) return { kind: "key-file", path: absolute(keyFile) };
  if (passphraseFile !== undefined) return { kind: "passphrase-file", path: absolute(passphraseFile) };
  if (command !== undefined) return { kind: "passphrase-command", passphraseCommand: argvOf(command, absolute) };
  throw new InternalError("A repository that does not say how it is encrypted was let through");
}
