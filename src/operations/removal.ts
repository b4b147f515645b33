import { ConflictError, NotFoundError } from "../kernel/index.ts";
import { protections } from "../retention/index.ts";
import { goodFor, isBackupId, resolveBackup, type BackupHead, type BackupId, type Listing } from "../vault/index.ts";
import { RESERVED_COMPONENT } from "./plan-components.ts";
import type { Instance } from "./instance.ts";
import { settleRestore } from "./settle-restore.ts";

/** What a reference to delete names: a backup, or one that the listing calls damaged. */
export interface Removable {
  /** By which `undelete` brings it back. */
  readonly id: string;
  /** The id; of a damaged one its name in the vault. */
  readonly name: string;
  /** What is wrong with a damaged one. */
  readonly damage: string | null;
}

/** What `remove` would move to the trash. Changes nothing. */
export async function findRemovable(instance: Instance, reference: string): Promise<Removable> {
  await using vault = await instance.openVault();
  const found = find(await vault.list(), reference);
  return removable(found);
}

/**
 * Moves one backup to the trash, after writing why. A pinned or protected one, the last backup of all, and the last good
 * one of a component need `force`. One that is damaged goes by its whole id, or by its name in the vault.
 */
export async function remove(
  instance: Instance,
  reference: string,
  options: { readonly force: boolean; readonly reason?: string },
): Promise<Removable> {
  await settleRestore(instance);
  await using vault = await instance.openVault();
  const listing = await vault.list();
  const found = find(listing, reference);
  const reason = options.reason ?? "deleted by hand";
  const now = instance.clock.now();
  if ("name" in found) {
    await vault.removeDamaged(found.name, reason, now);
    return removable(found);
  }
  const protection = protectionOf(found, listing.backups, now);
  if (protection !== null && !options.force) {
    throw new ConflictError("BACKUP_PROTECTED", `Backup "${found.id}" ${protection}`, { hint: "Add --force to delete it all the same" });
  }
  await vault.remove([found.id], reason, now);
  return removable(found);
}

function removable(found: BackupHead | Listing["damaged"][number]): Removable {
  return "name" in found
    ? { id: withoutSuffix(found.name), name: found.name, damage: found.problem }
    : { id: found.id, name: found.id, damage: null };
}

/** What follows the id in a backup's name, whichever form it has. */
function withoutSuffix(name: string): string {
  return name.replace(/\.(?:tar\.gz|backup)$/, "");
}

/** A whole id is never taken for the beginning of another: the damaged one that was meant must not cost a good one. */
function find(listing: Listing, reference: string): BackupHead | Listing["damaged"][number] {
  const exact = listing.backups.find(({ id }) => id === reference);
  const damaged = listing.damaged.find(
    ({ name }) => isBackupId(withoutSuffix(name)) && [name, `${name}/`, withoutSuffix(name)].includes(reference),
  );
  return exact ?? damaged ?? resolveBackup(listing, reference);
}

function protectionOf(head: BackupHead, backups: readonly BackupHead[], now: number): string | null {
  const [reason] = protections(backups, now).get(head.id) ?? [];
  if (reason !== undefined) return `${reason.startsWith("taken ") ? "was" : "is"} ${reason}`;
  if (backups.length === 1) return "is the last one in the vault";
  const only = head.manifest.components.filter(
    (name) => name !== RESERVED_COMPONENT && isGood(head, name) && !backups.some((other) => other.id !== head.id && isGood(other, name)),
  );
  return only.length === 0 ? null : `is the last good one of ${only.join(", ")}`;
}

function isGood({ manifest, marks }: BackupHead, component: string): boolean {
  return goodFor(manifest, component) && marks.verified?.ok !== false;
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
    const what = isBackupId(reference)
      ? "it was never there, or it is too late: the trash is emptied by the next prune"
      : "not in the trash";
    throw new NotFoundError("BACKUP_NOT_FOUND", `Cannot undelete "${reference}": ${what}`, { hint });
  }
  await vault.undelete(exact.id, instance.clock.now());
  return exact.id;
}
