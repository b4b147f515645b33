import { rmSync } from "node:fs";
import { join } from "node:path";
import { crashpoint, syncFolder } from "../kernel/index.ts";
import type { Documents, FoundBackup } from "../local-vault/index.ts";
import type { VaultKeys } from "./keys/epoch-key.ts";
import { readBackupFile } from "./manifest/backup-file.ts";
import { namesIn, packsFolder } from "./pack/pack-place.ts";
import type { TableEntry } from "./manifest/pack-table.ts";

/**
 * Deletes the packs that no backup names. Runs under the exclusive lock, after the trash was set aside: nobody reads, and
 * nobody writes. A backup that cannot be read might name any of them, and then all of them stay.
 */
export function sweepPacks(folder: string, keys: VaultKeys, { backups, trash, damagedBackups, damagedTrash }: Documents): void {
  if (damagedBackups.length + damagedTrash.length > 0) return;
  const live = new Set(tables(keys, [...backups, ...trash]).map(({ name }) => name));
  const top = packsFolder(folder);
  for (const part of namesIn(top)) {
    if (!/^[0-9a-f]{2}$/.test(part)) continue;
    const dead = namesIn(join(top, part)).filter((name) => /^[0-9a-f]{64}$/.test(name) && !live.has(name));
    for (const name of dead) {
      rmSync(join(top, part, name), { force: true });
      crashpoint("pack-swept");
    }
    if (dead.length > 0) syncFolder(join(top, part));
  }
}

/** Bytes of the packs that only the backups that go name. */
export function freedBy(keys: VaultKeys, going: readonly FoundBackup[], staying: readonly FoundBackup[]): number {
  const live = new Set(tables(keys, staying).map(({ name }) => name));
  const dead = new Map(tables(keys, going).flatMap(({ name, length }) => (live.has(name) ? [] : [[name, length] as const])));
  return [...dead.values()].reduce((sum, length) => sum + length, 0);
}

function tables(keys: VaultKeys, backups: readonly FoundBackup[]): readonly TableEntry[] {
  return backups.flatMap(({ path }) => readBackupFile(path, keys, ["packs"]).packs.entries);
}
