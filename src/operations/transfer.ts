import { statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { exportBackup, importArchive } from "../archive/index.ts";
import { errnoOf, namedSystemError, NotFoundError, UsageError } from "../kernel/index.ts";
import type { BackupHead } from "../vault/index.ts";
import { findBackup } from "./find-backup.ts";
import type { Instance } from "./instance.ts";
import { refuseOwnFolders } from "./own-folders.ts";

/** Writes one backup as a portable .tar.gz that GNU tar reads. Never overwrites. */
export async function exportTo(
  instance: Instance,
  reference: string,
  output: string,
  signal?: AbortSignal,
): Promise<{ readonly head: BackupHead; readonly file: string; readonly bytes: number }> {
  const file = resolve(output);
  refuseOwnFolders(file, instance.config);
  refuseNoFolder(file);
  await using vault = await instance.openVault();
  const head = await findBackup(vault, reference);
  const { bytes } = await exportBackup(vault, head.id, file, signal === undefined ? {} : { signal });
  return { head, file, bytes };
}

/** Before the vault is read: what packs a large backup for an hour is not to fail at its name. */
function refuseNoFolder(file: string): void {
  const folder = dirname(file);
  try {
    if (statSync(folder).isDirectory()) return;
  } catch (cause) {
    if (errnoOf(cause) !== "ENOENT" && errnoOf(cause) !== "ENOTDIR") throw namedSystemError(cause, `look at "${folder}"`);
    throw new NotFoundError("PATH_NOT_FOUND", `There is no folder "${folder}" to write the export into`, {
      cause,
      hint: "Make it first, or name a file in a folder that is there",
    });
  }
  throw new UsageError("USAGE", `"${folder}" is not a folder, and no export can be written into it`, {
    hint: "Name a file in a folder that is there",
  });
}

/** Takes a portable archive into the vault after checking every byte of it. */
export async function importFrom(instance: Instance, file: string, signal?: AbortSignal): Promise<BackupHead> {
  await using vault = await instance.openVault({ create: true });
  return await importArchive(vault, resolve(file), signal === undefined ? {} : { signal });
}
