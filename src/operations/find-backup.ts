import { resolveBackup, type BackupHead, type Vault } from "../vault/index.ts";

/** The backup that a reference names: an id, a unique prefix, `latest`, or `latest:verified`. */
export async function findBackup(vault: Vault, reference: string): Promise<BackupHead> {
  return resolveBackup(await vault.list(), reference);
}
