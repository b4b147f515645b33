import type { BackupHead } from "../vault/index.ts";
import { findBackup } from "./find-backup.ts";
import type { Instance } from "./instance.ts";

/** One backup's manifest and marks. */
export async function show(instance: Instance, reference: string): Promise<BackupHead> {
  await using vault = await instance.openVault();
  return await findBackup(vault, reference);
}
