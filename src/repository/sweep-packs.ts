import { rmSync } from "node:fs";
import { join } from "node:path";
import { crashpoint } from "../kernel/index.ts";
import type { Documents } from "../local-vault/index.ts";
import type { PackTable } from "./manifest/pack-table.ts";
import type { NamedPacks } from "./named-packs.ts";
import { namesIn, packsFolder } from "./pack/pack-place.ts";

/**
 * Deletes the packs that no backup names, and no checkpoint of one that is to go on. Runs under the exclusive lock, after the trash was set aside and that is on disk:
 * nobody reads, and nobody writes. A backup that cannot be read might name any of them, and then all of them stay.
 *
 * Nothing waits until it is on disk that they are gone: what a power cut brings back nobody names, and the next sweep takes it.
 */
export function sweepPacks(
  folder: string,
  named: NamedPacks,
  { backups, trash, damagedBackups, damagedTrash }: Documents,
  checkpoint?: PackTable,
): void {
  if (damagedBackups.length + damagedTrash.length > 0) return;
  const live = new Set([...named.namesOf([...backups, ...trash]), ...(checkpoint?.entries ?? []).map(({ name }) => name)]);
  const top = packsFolder(folder);
  for (const part of namesIn(top)) {
    if (!/^[0-9a-f]{2}$/.test(part)) continue;
    for (const name of namesIn(join(top, part))) {
      if (live.has(name) || !/^[0-9a-f]{64}$/.test(name)) continue;
      rmSync(join(top, part, name), { force: true });
      crashpoint("pack-swept");
    }
  }
}
