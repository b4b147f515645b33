import { crashpoint } from "../kernel/index.ts";
import { removeFiles, type Documents } from "../local-vault/index.ts";
import type { PackTable } from "./manifest/pack-table.ts";
import type { NamedPacks } from "./named-packs.ts";
import { packPath, packsIn } from "./pack/pack-place.ts";

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
  const going = named.unnamedOf(sweepablePacks(vault, checkpoint), [...backups, ...trash]);
  await removeFiles(
    [...going].map((name) => packPath(vault, name)),
    () => crashpoint("pack-swept"),
  );
}

/** Names of the packs that are there, but for those of a checkpoint. */
export function sweepablePacks(vault: string, checkpoint: PackTable | undefined): readonly string[] {
  const kept = new Set(checkpoint?.entries.map(({ name }) => name));
  return packsIn(vault).filter((name) => !kept.has(name));
}
