import { closeSync, openSync, readdirSync, readSync } from "node:fs";
import { join } from "node:path";
import { ConfigError, DamageError, errnoOf, namedSystemError } from "../kernel/index.ts";
import { trashFolder } from "../local-vault/index.ts";
import type { VaultKeys } from "./keys/epoch-key.ts";
import { keyDocumentPath, listEpochs } from "./keys/keys-folder.ts";
import { changedMeanwhile } from "./keys/make-keys.ts";
import { MOST_EPOCHS } from "./keys/previous-epochs.ts";

/** Letters and version, then the epoch. Bytes. */
const HEAD_LENGTH = 12;
const MAGIC = "HOLDFBK1";

/**
 * Refuses keys that are not the newest ones, before anything is written with them. When the document of the newest epoch
 * is gone, an older key looks like the newest: the backups that were sealed since say otherwise.
 *
 * @throws ConfigError KEY_WRONG when the vault has newer keys · BusyError VAULT_BUSY when
 * they came meanwhile · DamageError VAULT_DAMAGED when a backup names newer ones
 */
export function refuseOlderKeys(vaultFolder: string, { newest, writable }: VaultKeys): void {
  if (!writable) {
    throw new ConfigError("KEY_WRONG", `Cannot write to the vault "${vaultFolder}": what was given opens only older backups`, {
      hint: "Give a key that is in use today, or the recovery code that was printed at the last rotation",
    });
  }
  if ((listEpochs(vaultFolder)[0] ?? 0) > newest.epoch) throw changedMeanwhile(vaultFolder);
  const { epoch, path } = newestEpoch([vaultFolder, trashFolder(vaultFolder)]);
  if (epoch <= newest.epoch) return;
  throw new DamageError(
    "VAULT_DAMAGED",
    `The keys of epoch ${epoch}, with which "${path}" is sealed, are gone from the vault, and nothing is written with those of epoch ${newest.epoch}`,
    {
      hint: `Bring "${keyDocumentPath(vaultFolder, epoch)}" back from a copy of the vault; if that backup is damaged instead, delete it: holdfast backup delete`,
      details: { epoch, newest: newest.epoch },
    },
  );
}

/** The highest epoch that any sealed backup names, by its first bytes alone; 0 when there is none. */
function newestEpoch(folders: readonly string[]): { readonly epoch: number; readonly path: string } {
  let newest = { epoch: 0, path: "" };
  const head = Buffer.alloc(HEAD_LENGTH);
  for (const folder of folders) {
    for (const name of readdirSync(folder)) {
      if (!name.endsWith(".backup")) continue;
      const path = join(folder, name);
      const epoch = epochOf(path, head);
      if (epoch > newest.epoch) newest = { epoch, path };
    }
  }
  return newest;
}

/** 0 for what is no sealed backup, which is for the listing to tell. */
function epochOf(path: string, head: Buffer): number {
  let descriptor: number;
  try {
    descriptor = openSync(path, "r");
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return 0;
    throw namedSystemError(error, `read the backup "${path}"`);
  }
  try {
    if (readSync(descriptor, head, 0, HEAD_LENGTH, 0) < HEAD_LENGTH || head.toString("latin1", 0, 8) !== MAGIC) return 0;
    const epoch = head.readUInt32LE(8);
    return epoch > MOST_EPOCHS ? 0 : epoch;
  } catch (error) {
    throw namedSystemError(error, `read the backup "${path}"`);
  } finally {
    closeSync(descriptor);
  }
}
