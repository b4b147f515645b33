import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { ConflictError, crashpoint, errnoOf, InternalError, namedSystemError, syncFolder } from "../../kernel/index.ts";
import { makeBackupId, type BackupId, type Trigger } from "../../vault/index.ts";
import { removeDraftFolder } from "./local-draft.ts";
import { readClaim, writeClaim } from "./claim.ts";
import { parsePartialName, type Layout } from "../layout.ts";

const MOST_SUFFIXES = 99_999;

/**
 * Makes the folder of a new draft under an id that nothing else has: no backup in either form, nothing in the trash, no
 * other draft. The exclusive mkdir decides.
 */
export function claimNewDraft(
  layout: Layout,
  vault: string,
  time: number,
  trigger: Trigger,
): { readonly id: BackupId; readonly folder: string } {
  for (let attempt = 1; attempt <= MOST_SUFFIXES; attempt += 1) {
    const id = makeBackupId(time, trigger, attempt);
    const folder = isTaken(layout, id) ? undefined : claim(layout, vault, id);
    if (folder !== undefined) return { id, folder };
  }
  throw new InternalError("Every id of this second is taken");
}

/** @throws ConflictError FILE_EXISTS when the id is taken */
export function claimDraft(layout: Layout, vault: string, id: BackupId): { readonly id: BackupId; readonly folder: string } {
  const folder = isTaken(layout, id) ? undefined : claim(layout, vault, id);
  if (folder !== undefined) return { id, folder };
  throw new ConflictError("FILE_EXISTS", `The vault holds a backup "${id}" already, in its list or its trash`, {
    hint: `Compare them, or delete that one first; one in the trash comes back with: holdfast backup undelete ${id}`,
  });
}

function isTaken(layout: Layout, id: BackupId): boolean {
  return layout.forms.some(({ name }) => existsSync(layout.backup(id, name)) || existsSync(layout.trashed(id, name)));
}

function claim(layout: Layout, vault: string, id: BackupId): string | undefined {
  const folder = layout.partial(id);
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if (errnoOf(error) === "EEXIST") return undefined;
    throw namedSystemError(error, `begin backup "${id}"`);
  }
  try {
    writeClaim(folder, vault);
    syncFolder(layout.top);
  } catch (error) {
    removeDraftFolder(folder, layout.forms);
    throw namedSystemError(error, `begin backup "${id}"`);
  }
  crashpoint("backup-claimed");
  return folder;
}

/**
 * Removes drafts of this vault that nobody builds any more. The caller holds the write lock, so that their writers are
 * dead. A folder without our claim is somebody else's and stays.
 */
export function removeAbandonedDrafts(layout: Layout, vault: string, names: readonly string[]): void {
  for (const name of names) {
    const id = parsePartialName(name);
    if (id === undefined) continue;
    const folder = layout.partial(id);
    if (readClaim(folder)?.vault === vault || readdirSync(folder).length === 0) removeDraftFolder(folder, layout.forms);
  }
}
