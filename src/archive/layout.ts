import { join } from "node:path";
import { isBackupId, type BackupId, type MarkKind } from "../vault/index.ts";

/** How a backup lies in the vault. */
export type ArchiveForm = "directory" | "tar.gz";

/** Where everything lies below a vault's folder; no other module knows a name. */
export interface Layout {
  readonly top: string;
  readonly own: string;
  readonly identity: string;
  readonly lock: string;
  readonly holder: string;
  readonly newest: string;
  readonly marks: string;
  readonly records: string;
  readonly trash: string;
  mark(id: BackupId, kind: MarkKind): string;
  record(sequence: number): string;
  backup(id: BackupId, form: ArchiveForm): string;
  trashed(id: BackupId, form: ArchiveForm): string;
  /** Where one of the trash lies while it is deleted: half a backup must not look like one that can be brought back. */
  aside(id: BackupId, form: ArchiveForm): string;
  partial(id: BackupId): string;
}

export const OWN_FOLDER = ".vault";

/** Begins the name of what is being deleted. */
export const ASIDE = ".gone-";

export function layoutOf(top: string): Layout {
  const own = join(top, OWN_FOLDER);
  return {
    top,
    own,
    identity: join(own, "vault.json"),
    lock: join(own, "vault.lock"),
    holder: join(own, "holder.json"),
    newest: join(own, "newest.json"),
    marks: join(own, "marks"),
    records: join(own, "records"),
    trash: join(own, "trash"),
    mark: (id, kind) => join(own, "marks", `${id}.${kind}.json`),
    record: (sequence) => join(own, "records", `${sequence}.json`),
    backup: (id, form) => join(top, nameOf(id, form)),
    trashed: (id, form) => join(own, "trash", nameOf(id, form)),
    aside: (id, form) => join(own, "trash", `${ASIDE}${nameOf(id, form)}`),
    partial: (id) => join(top, `.${id}.partial`),
  };
}

/** Where deleted backups wait for the next prune. */
export function trashFolder(top: string): string {
  return layoutOf(top).trash;
}

function nameOf(id: BackupId, form: ArchiveForm): string {
  return form === "directory" ? id : `${id}.tar.gz`;
}

/** What a name in the vault's folder (or its trash) says, if it is a backup's. */
export function parseBackupName(name: string): { readonly id: BackupId; readonly form: ArchiveForm } | undefined {
  const form = name.endsWith(".tar.gz") ? "tar.gz" : "directory";
  const id = form === "tar.gz" ? name.slice(0, -".tar.gz".length) : name;
  return isBackupId(id) ? { id, form } : undefined;
}

/** The id of a draft's folder, if the name is one. */
export function parsePartialName(name: string): BackupId | undefined {
  const id = name.startsWith(".") && name.endsWith(".partial") ? name.slice(1, -".partial".length) : "";
  return isBackupId(id) ? id : undefined;
}
