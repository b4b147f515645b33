import { hash, randomBytes } from "node:crypto";
import { ConfigError, HostError } from "../../kernel/index.ts";
import { fromBase32, toBase32 } from "./base32.ts";

/** 32 random bytes that a program reads from a file. The label is the path. */
export interface FileSecret {
  readonly kind: "file";
  readonly bytes: Buffer;
  readonly label: string;
}
/** 20 random bytes that a person keeps on paper. */
export interface RecoverySecret {
  readonly kind: "recovery";
  readonly bytes: Buffer;
  readonly label: string;
}
/** In NFC, without a line end. The label says where it came from. */
export interface PassphraseSecret {
  readonly kind: "passphrase";
  readonly text: string;
  readonly label: string;
}
/** What opens a vault. `none` opens one whose master key lies in the clear. */
export type Secret = { readonly kind: "none" } | FileSecret | PassphraseSecret | RecoverySecret;

const KEY_FILE = { bytes: 32, check: 4 } as const;
const RECOVERY = { bytes: 20, check: 5 } as const;
const RECOVERY_CHARACTERS: number = ((RECOVERY.bytes + RECOVERY.check) * 8) / 5;
const KEY_LINE = /^holdfast-key-(\d{1,9})-([A-Z2-7]+)$/;
/** A passphrase is something a person can type; what is longer is another file. Characters. */
const LONGEST_PASSPHRASE = 4096;

export function generateKeyFile(label: string): FileSecret {
  return { kind: "file", bytes: randomBytes(KEY_FILE.bytes), label };
}

export function generateRecoveryCode(label = "recovery code"): RecoverySecret {
  return { kind: "recovery", bytes: randomBytes(RECOVERY.bytes), label };
}

/** Says which key it is without saying anything of the key. */
export function fingerprintOf(secret: FileSecret | RecoverySecret): string {
  const digits = hash("sha256", Buffer.concat([Buffer.from("holdfast fingerprint"), secret.bytes]), "hex")
    .slice(0, 8)
    .toUpperCase();
  return `${digits.slice(0, 4)}-${digits.slice(4)}`;
}

/** The content of a key file: one line. */
export function formatKeyFile({ bytes }: FileSecret): string {
  return `holdfast-key-1-${toBase32(Buffer.concat([bytes, checksum(bytes, KEY_FILE.check)]))}\n`;
}

/** @throws ConfigError KEY_INVALID · HostError VERSION_UNSUPPORTED; the content is in no message */
export function parseKeyFile(text: string, label: string): FileSecret {
  const [, version = "", code = ""] = KEY_LINE.exec(text.trim()) ?? [];
  if (version !== "" && Number(version) > 1) {
    throw new HostError("VERSION_UNSUPPORTED", `Cannot read the key file "${label}": its format is ${version}, and this version reads 1`, {
      hint: "Update Holdfast on this machine",
    });
  }
  if (version !== "1") {
    throw new ConfigError("KEY_INVALID", `"${label}" is not a key file of Holdfast`, {
      hint: "A key file is one line that begins with holdfast-key-1-; name another file, or make one with `holdfast key generate`",
    });
  }
  const bytes = checked(fromBase32(code), KEY_FILE);
  if (bytes === undefined) {
    throw new ConfigError("KEY_INVALID", `The key file "${label}" is cut off or was changed: its checksum does not fit`, {
      hint: "Use another copy of it, or the recovery code",
    });
  }
  return { kind: "file", bytes, label };
}

/** What is printed on the recovery sheet: ten groups of four. */
export function formatRecoveryCode({ bytes }: RecoverySecret): string {
  return toBase32(Buffer.concat([bytes, checksum(bytes, RECOVERY.check)])).replaceAll(/.{4}(?=.)/g, "$&-");
}

/**
 * What a person typed. Which character is wrong cannot be known from a checksum, so that is not claimed.
 *
 * @throws ConfigError KEY_INVALID; at most a character that no code holds is in a message
 */
export function parseRecoveryCode(text: string, label = "recovery code"): RecoverySecret {
  if (/^\s*holdfast-key-/.test(text)) {
    throw new ConfigError("KEY_INVALID", "What was given as a recovery code is the line of a key file", { hint: "Give it as a key file" });
  }
  // Printing and mail programs put other dashes in the place of the plain one.
  const code = text.replaceAll(/[\s\p{Pd}]/gu, "");
  const stranger = /[^A-Za-z2-7]/u.exec(code);
  if (stranger !== null) {
    throw new ConfigError(
      "KEY_INVALID",
      `The recovery code is mistyped: character ${stranger.index + 1}, ${JSON.stringify(stranger[0])}, occurs in no recovery code`,
      { hint: "A code holds the letters A to Z and the digits 2 to 7: what looks like 0 is the letter O, what looks like 1 is I or L" },
    );
  }
  if (code.length !== RECOVERY_CHARACTERS) {
    throw new ConfigError("KEY_INVALID", `A recovery code has ${RECOVERY_CHARACTERS} characters, and this one has ${code.length}`, {
      hint: "It is ten groups of four; look for a group that is missing or written twice",
    });
  }
  const bytes = checked(fromBase32(code.toUpperCase()), RECOVERY);
  if (bytes === undefined) {
    throw new ConfigError("KEY_INVALID", "The recovery code is mistyped: its checksum does not fit", {
      hint: "Compare it with the sheet, group by group; B and 8, S and 5, Z and 2 look alike",
    });
  }
  return { kind: "recovery", bytes, label };
}

/** The same letters can be written in several ways, and an editor ends a file with a line end: neither makes another passphrase. */
export function parsePassphrase(text: string, label: string): PassphraseSecret {
  const passphrase = text.replace(/\r?\n$/, "").normalize("NFC");
  const problem =
    passphrase === ""
      ? "is empty"
      : passphrase.length > LONGEST_PASSPHRASE
        ? `is longer than ${LONGEST_PASSPHRASE} characters`
        : passphrase.isWellFormed() && !passphrase.includes("\uFFFD")
          ? undefined
          : "is not UTF-8 text";
  if (problem !== undefined) {
    throw new ConfigError("KEY_INVALID", `The passphrase of "${label}" ${problem}`, {
      hint: "Give the passphrase with which the vault was made",
    });
  }
  return { kind: "passphrase", text: passphrase, label };
}

function checksum(bytes: Uint8Array, length: number): Buffer {
  return hash("sha256", bytes, "buffer").subarray(0, length);
}

function checked(bytes: Buffer | undefined, size: { readonly bytes: number; readonly check: number }): Buffer | undefined {
  if (bytes === undefined || bytes.length !== size.bytes + size.check) return undefined;
  const secret = bytes.subarray(0, size.bytes);
  return checksum(secret, size.check).equals(bytes.subarray(size.bytes)) ? secret : undefined;
}
