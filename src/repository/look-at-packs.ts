import { lstatAt } from "../kernel/index.ts";
import type { FoundBackup } from "../local-vault/index.ts";
import type { LostPack, PackLook } from "../vault/index.ts";
import type { VaultKeys } from "./keys/epoch-key.ts";
import { seePack } from "./pack/pack-place.ts";
import { livePacks } from "./read/live-packs.ts";

/**
 * Compares the packs that backups name with what lies in the vault, by what a new backup asks of a pack before it names it.
 *
 * @param folder of the vault
 */
export function lookAtPacks(folder: string, keys: VaultKeys, backups: readonly Pick<FoundBackup, "id" | "path">[]): PackLook {
  const untold: PackLook["untold"][number][] = [];
  const packs = livePacks(keys, backups, (id, { message: problem }) => untold.push({ id, problem }));
  const lost = [...packs.values()].flatMap(({ entry, backups: ids }): readonly LostPack[] => {
    const is = seePack(folder, entry);
    return is === "there" ? [] : [{ name: entry.name, is, backups: ids }];
  });
  if (lost.length + untold.length === 0) return { lost, untold };
  // A prune takes a backup away before its packs: what only such a backup named is not lost.
  const there = new Set(backups.filter(({ path }) => lstatAt(path) !== undefined).map(({ id }) => id));
  return {
    lost: lost
      .map((pack) => ({ ...pack, backups: pack.backups.filter((id) => there.has(id)) }))
      .filter(({ backups: needing }) => needing.length > 0),
    untold: untold.filter(({ id }) => there.has(id)),
  };
}
