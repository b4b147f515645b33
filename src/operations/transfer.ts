import { resolve } from "node:path";
import { exportBackup, importArchive } from "../archive/index.ts";
import type { BackupHead } from "../vault/index.ts";
import { findBackup } from "./find-backup.ts";
import type { Instance } from "./instance.ts";

/** Writes one backup as a portable .tar.gz that GNU tar reads. Never overwrites. */
export async function exportTo(
  instance: Instance,
  reference: string,
  output: string,
  signal?: AbortSignal,
): Promise<{ readonly head: BackupHead; readonly file: string; readonly bytes: number }> {
  await using vault = await instance.openVault();
  const head = await findBackup(vault, reference);
  const file = resolve(output);
  const { bytes } = await exportBackup(vault, head.id, file, signal === undefined ? {} : { signal });
  return { head, file, bytes };
}

/** Takes a portable archive into the vault after checking every byte of it. */
export async function importFrom(instance: Instance, file: string, signal?: AbortSignal): Promise<BackupHead> {
  await using vault = await instance.openVault({ create: true });
  return await importArchive(vault, resolve(file), signal === undefined ? {} : { signal });
}
