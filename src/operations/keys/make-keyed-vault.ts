import { existsSync } from "node:fs";
import { removeFile, type Clock } from "../../kernel/index.ts";
import {
  checkKeys,
  fingerprintOf,
  formatRecoveryCode,
  generateKeyFile,
  generateRecoveryCode,
  openRepositoryVault,
  readKeyFile,
  writeKeyFile,
  type FileSecret,
} from "../../repository/index.ts";
import { freeSheetPath } from "./key-place.ts";
import { writeRecoverySheet } from "./recovery-sheet.ts";

export interface KeyedVaultRequest {
  /** Absolute folder where no vault is. */
  readonly vault: string;
  readonly instance: string;
  /** Absolute; a key file that is there is used, else one is made. */
  readonly keyFile: string;
  readonly cacheFolder: string;
  readonly clock: Clock;
}

export interface KeyedVault {
  readonly keyFile: string;
  readonly fingerprint: string;
  /** The file for paper. */
  readonly sheet: string;
  /** As it is printed, for showing it once; it is stored nowhere but on the sheet, and is for no document or log. */
  readonly code: string;
}

/**
 * Makes a vault that a key file and a recovery code open. Both are on disk before anything is locked with them.
 *
 * @throws what a key file, a sheet and a vault refuse; then no key is left that opens nothing
 */
export async function makeKeyedVault(request: KeyedVaultRequest): Promise<KeyedVault> {
  const { vault, instance, keyFile, cacheFolder, clock } = request;
  const made: string[] = [];
  try {
    const key = keyAt(keyFile, made);
    const time = clock.now();
    const code = generateRecoveryCode(`recovery code of ${new Date(time).toISOString().slice(0, 10)}`);
    const sheet = freeSheetPath(keyFile);
    const fingerprint = fingerprintOf(key);
    writeRecoverySheet(sheet, { instance, vault, keyFile: { path: keyFile, fingerprint }, code, fingerprint: fingerprintOf(code), time });
    made.push(sheet);
    const opened = await openRepositoryVault({
      path: vault,
      instance: { name: instance },
      secrets: [key, code],
      cacheFolder,
      create: true,
      clock,
    });
    await opened[Symbol.asyncDispose]();
    return { keyFile, fingerprint, sheet, code: formatRecoveryCode(code) };
  } catch (error) {
    // Once the vault has keys, these may be the only ones that open it.
    if (checkKeys(vault, "", []).epochs.length === 0) for (const path of made) removeFile(path);
    throw error;
  }
}

function keyAt(path: string, made: string[]): FileSecret {
  if (existsSync(path)) return readKeyFile(path);
  const key = generateKeyFile(path);
  writeKeyFile(path, key);
  made.push(path);
  return key;
}
