import { ConflictError, createFile, makeFolder, namedSystemError } from "../../kernel/index.ts";
import { dirname } from "node:path";
import { formatRecoveryCode, type RecoverySecret } from "../../repository/index.ts";

export interface RecoverySheet {
  readonly instance: string;
  /** Absolute folder of the vault. */
  readonly vault: string;
  /** null: it opens with something else. */
  readonly keyFile: { readonly path: string; readonly fingerprint: string } | null;
  readonly code: RecoverySecret;
  readonly fingerprint: string;
  /** Milliseconds since the epoch. */
  readonly time: number;
}

/** For paper: what a person needs who has nothing but the vault and this sheet. The code stands alone on its line. */
export function recoverySheetText({ instance, vault, keyFile, code, fingerprint, time }: RecoverySheet): string {
  return `HOLDFAST RECOVERY SHEET

Print this, keep it where neither the machine nor its backups are, and delete the file.
Whoever has this code and the vault can read everything in it. Holdfast does not keep the code.

  Instance       ${instance}
  Vault          ${vault}
  Made           ${new Date(time).toISOString().slice(0, 10)}
${keyFile === null ? "" : `  Key file       ${keyFile.path}, fingerprint ${keyFile.fingerprint}\n`}
Recovery code, fingerprint ${fingerprint}:

    ${formatRecoveryCode(code)}

It holds the letters A to Z and the digits 2 to 7: what looks like 0 is the letter O, what looks like 1 is I or L.

On a machine that has nothing but the vault (the code is asked for):

    holdfast recover ${shellWord(vault)} --recovery-code-file -

When only the key file is lost, on the machine itself:

    holdfast key generate --output NEW.key
    holdfast key add --key-file NEW.key --unlock-recovery-code-file -

and then name NEW.key in backup.encryption.key_file of holdfast.yaml.
To try whether this sheet opens the vault:

    holdfast key check --recovery-code-file -

Where Holdfast cannot be had, with Node.js and one file of its package, tools/rescue.mjs (CODE.txt holds this code or sheet):

    node rescue.mjs ${shellWord(vault)} --recovery-code-file CODE.txt restore latest DIR
`;
}

/**
 * Writes the sheet for this account alone. Nothing is ever written over: it might be the only copy of another code.
 *
 * @throws ConflictError FILE_EXISTS · HostError FILE_SYSTEM
 */
export function writeRecoverySheet(path: string, sheet: RecoverySheet): void {
  try {
    makeFolder(dirname(path));
    if (createFile(path, recoverySheetText(sheet))) return;
  } catch (error) {
    throw namedSystemError(error, `write the recovery sheet "${path}"`);
  }
  throw new ConflictError("FILE_EXISTS", `"${path}" is there already, and a recovery sheet is never written over`, {
    hint: "Name another file",
  });
}

function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
