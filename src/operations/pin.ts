import type { BackupHead } from "../vault/index.ts";
import { findBackup } from "./find-backup.ts";
import type { Instance } from "./instance.ts";

/** Keeps a backup from every removal until it is unpinned. */
export async function pin(instance: Instance, reference: string, note?: string): Promise<BackupHead> {
  await using vault = await instance.openVault();
  const head = await findBackup(vault, reference);
  await vault.setMark(head.id, "pin", { at: new Date(instance.clock.now()).toISOString(), ...(note === undefined ? {} : { note }) });
  return head;
}

export async function unpin(instance: Instance, reference: string): Promise<BackupHead> {
  await using vault = await instance.openVault();
  const head = await findBackup(vault, reference);
  await vault.setMark(head.id, "pin", null);
  return head;
}
