import { join } from "node:path";
import { crashpoint } from "../kernel/index.ts";
import { removeFiles, type Documents } from "../local-vault/index.ts";
import type { PackTable } from "./manifest/pack-table.ts";
import type { NamedPacks } from "./named-packs.ts";
import { namesIn, packsFolder } from "./pack/pack-place.ts";

/**
 * Deletes the packs that no backup names, and no checkpoint of one that is to go on. Runs under the exclusive lock, after the trash was set aside and that is on disk:
 * nobody reads, and nobody writes. A backup that cannot be read might name any of them, and then all of them stay.
 *
 * Nothing waits until it is on disk that they are gone: what a power cut brings back nobody names, and the next sweep takes it.
 */
export async function sweepPacks(
  vault: string,
  named: NamedPacks,
  { backups, trash, damagedBackups, damagedTrash }: Documents,
  checkpoint?: PackTable,
): Promise<void> {
  if (damagedBackups.length + damagedTrash.length > 0) return;
  const live = new Set([...named.namesOf([...backups, ...trash]), ...(checkpoint?.entries ?? []).map(({ name }) => name)]);
  const top = packsFolder(vault);
  const going: string[] = [];
  for (const part of namesIn(top)) {
    if (!/^[0-9a-f]{2}$/.test(part)) continue;
    const folder = join(top, part);
    for (const name of namesIn(folder)) {
      if (live.has(name) || !/^[0-9a-f]{64}$/.test(name)) continue;
      going.push(`${folder}/${name}`);
    }
  }
  await removeFiles(going, () => crashpoint("pack-swept"));
}
