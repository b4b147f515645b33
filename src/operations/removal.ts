import { ConflictError, NotFoundError } from "../kernel/index.ts";
import { isBackupId, type BackupHead, type BackupId } from "../vault/index.ts";
import { findBackup } from "./find-backup.ts";
import type { Instance } from "./instance.ts";
import { settleRestore } from "./settle-restore.ts";

/**
 * Moves one backup to the trash, after writing why. A pinned one, a pre-migration one, and the last backup of all
 * need `force`.
 */
export async function remove(
  instance: Instance,
  reference: string,
  options: { readonly force: boolean; readonly reason?: string },
): Promise<BackupHead> {
  await settleRestore(instance);
  await using vault = await instance.openVault();
  const { backups } = await vault.list();
  const head = await findBackup(vault, reference);
  const protection = protectionOf(head, backups);
  if (protection !== null && !options.force) {
    throw new ConflictError("BACKUP_PROTECTED", `Backup "${head.id}" ${protection}`, { hint: "Add --force to delete it all the same" });
  }
  await vault.remove([head.id], options.reason ?? "deleted by hand", instance.clock.now());
  return head;
}

function protectionOf(head: BackupHead, backups: readonly BackupHead[]): string | null {
  if (head.marks.pin !== undefined) return "is pinned";
  if (head.manifest.trigger === "pre-migration") return "was taken before a migration";
  return backups.length === 1 ? "is the last one in the vault" : null;
}

/** Brings a deleted backup back from the trash. */
export async function undelete(instance: Instance, reference: string): Promise<BackupId> {
  await settleRestore(instance);
  await using vault = await instance.openVault();
  const { trash } = await vault.list();
  const matches = reference === "" ? [] : trash.filter(({ id }) => id.startsWith(reference));
  const exact = matches.find(({ id }) => id === reference) ?? (matches.length === 1 ? matches[0] : undefined);
  if (exact === undefined) {
    const hint = trash.length === 0 ? "The trash is empty" : `In the trash: ${trash.map(({ id }) => id).join(", ")}`;
    if (matches.length > 1)
      throw new NotFoundError("BACKUP_AMBIGUOUS", `More than one deleted backup begins with "${reference}"`, { hint });
    const what = isBackupId(reference) ? "It was never there, or it is too late" : "Not in the trash";
    throw new NotFoundError("BACKUP_NOT_FOUND", `Cannot undelete "${reference}": ${what.toLowerCase()}`, { hint });
  }
  await vault.undelete(exact.id, instance.clock.now());
  return exact.id;
}
