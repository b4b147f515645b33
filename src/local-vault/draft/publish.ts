import { linkSync, renameSync, rmSync } from "node:fs";
import { ConflictError, crashpoint, errnoOf, syncFileSystem, syncFolder, type Guard } from "../../kernel/index.ts";
import type { BackupId } from "../../vault/index.ts";
import type { Layout } from "../layout.ts";
import type { Sealed, StoredForm } from "../stored-form.ts";

/** Makes a finished backup durable, then visible: one flush, one rename, one fsync of the folder. */
export async function publishBackup(layout: Layout, sealed: Sealed, id: BackupId, form: StoredForm, guard: Guard): Promise<void> {
  crashpoint("backup-before-sync");
  if (!sealed.flushed) await syncFileSystem(layout.top);
  await guard(`commit of ${id}`, () => makeVisible(layout, sealed.path, id, form));
}

function makeVisible(layout: Layout, sealed: string, id: BackupId, form: StoredForm): void {
  crashpoint("backup-before-publish");
  const target = layout.backup(id, form.name);
  try {
    // A rename would replace a file in silence; a second name is refused when the name is taken.
    if (form.isFolder) renameSync(sealed, target);
    else linkSync(sealed, target);
  } catch (cause) {
    if (errnoOf(cause) !== "EEXIST" && errnoOf(cause) !== "ENOTEMPTY") throw cause;
    throw new ConflictError("FILE_EXISTS", `"${target}" appeared while the backup was taken`, {
      cause,
      hint: "Look at who put it there, and try again",
    });
  }
  try {
    syncFolder(layout.top);
  } catch (error) {
    // Whether the name is on disk is unknown: what is not known to be kept must not be listed.
    if (form.isFolder) renameSync(target, sealed);
    else rmSync(target, { force: true });
    throw error;
  }
  crashpoint("backup-published");
}
