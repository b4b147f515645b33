import { passedOver, resolveBackup, type BackupHead, type Vault } from "../vault/index.ts";

/** The backup that a reference names: an id, a unique prefix, `latest`, or `latest:verified`. */
export async function findBackup(vault: Vault, reference: string): Promise<BackupHead> {
  return resolveBackup(await vault.list(), reference);
}

/** The same for who is about to put it in the place of something. */
export async function findToRestore(
  vault: Vault,
  reference: string,
): Promise<{ readonly head: BackupHead; readonly warnings: readonly string[] }> {
  const listing = await vault.list();
  const head = resolveBackup(listing, reference);
  const past = passedOver(listing, reference, head);
  return { head, warnings: past === undefined ? [] : [past] };
}
