import { DamageError } from "../../kernel/index.ts";
import type { FoundBackup } from "../../local-vault/index.ts";
import type { BackupId } from "../../vault/index.ts";
import type { VaultKeys } from "../keys/epoch-key.ts";
import { readPacksOf } from "../manifest/backup-file.ts";
import { placeOfKey, type PackKey, type TableEntry } from "../manifest/pack-table.ts";

export interface LivePack {
  readonly entry: TableEntry;
  /** Those of the backups given that name it. */
  readonly backups: BackupId[];
}

/**
 * The packs that these backups name, by name. A backup that went to the trash meanwhile names none, nor does one that is
 * damaged: who reads that one is told.
 */
export function livePacks(
  keys: VaultKeys,
  backups: readonly Pick<FoundBackup, "id" | "path">[],
  onDamage: (id: BackupId, damage: DamageError) => void = () => {},
): ReadonlyMap<string, LivePack> {
  const byKey = new Map<PackKey, LivePack>();
  for (const { id, path } of backups) {
    try {
      readPacksOf(path, keys, (key, sizes) => {
        const known = byKey.get(key);
        if (known === undefined) byKey.set(key, { entry: { ...placeOfKey(key), ...sizes }, backups: [id] });
        else known.backups.push(id);
      });
    } catch (error) {
      if (!(error instanceof DamageError)) throw error;
      onDamage(id, error);
    }
  }
  return new Map([...byKey.values()].map((pack) => [pack.entry.name, pack]));
}
