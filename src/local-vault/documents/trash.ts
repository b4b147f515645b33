import { readdirSync, renameSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { crashpoint, namedSystemError, removeTree, syncFolder } from "../../kernel/index.ts";
import { MARK_KINDS, type BackupId } from "../../vault/index.ts";
import { ASIDE, type Layout } from "../layout.ts";
import { removeFiles } from "../remove-files.ts";
import type { StoredForm } from "../stored-form.ts";
import type { Documents } from "./read-documents.ts";

/**
 * Takes everything out of the trash, out of anybody's reach. Under the exclusive lock: somebody may be reading it. What is
 * more than one small file is only set aside, and deleted by deleteAside(), by this run or by a later one.
 */
export async function setTrashAside(layout: Layout, { trash, damagedTrash, backups }: Documents): Promise<readonly BackupId[]> {
  const going: readonly { readonly id: BackupId; readonly form: StoredForm["name"] }[] = [...trash, ...damagedTrash];
  if (going.length === 0) return [];
  const listed = new Set(backups.map(({ id }) => id));
  const small = new Set<StoredForm["name"]>(layout.forms.flatMap(({ name, isSmall }) => (isSmall === true ? [name] : [])));
  // What has a backup's name and is damaged may be anything, a folder too.
  const whole = new Set<unknown>(trash);
  try {
    const [left, marks] = [new Set(readdirSync(layout.trash)), new Set(readdirSync(layout.marks))];
    const goesAtOnce = (one: (typeof going)[number]): boolean => small.has(one.form) && whole.has(one);
    await removeFiles(
      going.filter((one) => goesAtOnce(one)).map(({ id, form }) => layout.trashed(id, form)),
      () => crashpoint("trash-set-aside"),
    );
    for (const { id, form } of going.filter((one) => !goesAtOnce(one))) {
      // Left by a run that was killed: half of a backup of the same id.
      const aside = layout.aside(id, form);
      if (left.has(basename(aside))) removeTree(aside);
      renameSync(layout.trashed(id, form), aside);
      crashpoint("trash-set-aside");
    }
    syncFolder(layout.trash);
    for (const { id } of going) {
      const own = listed.has(id) ? [] : MARK_KINDS.map((kind) => layout.mark(id, kind));
      for (const mark of own) if (marks.has(basename(mark))) rmSync(mark, { force: true });
    }
    syncFolder(layout.marks);
  } catch (error) {
    throw namedSystemError(error, "empty the trash");
  }
  return going.map(({ id }) => id);
}

/** Deletes what was set aside. Needs no lock: no reader finds it, and no other writer touches it. */
export function deleteAside(layout: Layout): void {
  try {
    const found = readdirSync(layout.trash, { withFileTypes: true }).filter(({ name }) => name.startsWith(ASIDE));
    for (const each of found) {
      const path = join(layout.trash, each.name);
      if (each.isDirectory()) removeTree(path);
      else rmSync(path, { force: true });
      crashpoint("trash-emptying");
    }
    if (found.length > 0) syncFolder(layout.trash);
  } catch (error) {
    throw namedSystemError(error, "empty the trash");
  }
}
