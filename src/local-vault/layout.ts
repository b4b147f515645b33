import { join } from "node:path";
import { InternalError } from "../kernel/index.ts";
import { isBackupId, type BackupId, type MarkKind } from "../vault/index.ts";
import type { StoredForm } from "./stored-form.ts";

/** Where everything lies below a vault's folder; no other module knows a name. */
export interface Layout {
  readonly top: string;
  readonly forms: readonly StoredForm[];
  readonly own: string;
  readonly identity: string;
  readonly lock: string;
  readonly holder: string;
  readonly newest: string;
  /** When each pack was last read back, and the lock of whoever writes that down. */
  readonly packVerdicts: string;
  readonly packVerdictsLock: string;
  readonly marks: string;
  readonly records: string;
  readonly trash: string;
  mark(id: BackupId, kind: MarkKind): string;
  record(sequence: number): string;
  backup(id: BackupId, form: StoredForm["name"]): string;
  trashed(id: BackupId, form: StoredForm["name"]): string;
  /** Where one of the trash lies while it is deleted: half a backup must not look like one that can be brought back. */
  aside(id: BackupId, form: StoredForm["name"]): string;
  partial(id: BackupId): string;
  /** What a name in the vault's folder (or its trash) says, if it is a backup's. */
  parse(name: string): { readonly id: BackupId; readonly form: StoredForm } | undefined;
}

export const OWN_FOLDER = ".vault";

/** Begins the name of what is being deleted. */
export const ASIDE = ".gone-";

export function layoutOf(top: string, forms: readonly StoredForm[]): Layout {
  const own = join(top, OWN_FOLDER);
  const [inTop, inMarks, inTrash] = [below(top), below(join(own, "marks")), below(join(own, "trash"))];
  const nameOf = (id: BackupId, form: StoredForm["name"]): string => {
    const found = forms.find(({ name }) => name === form);
    if (found === undefined) throw new InternalError(`A vault of this form holds no backup as ${form}`);
    return `${id}${found.suffix}`;
  };
  return {
    top,
    forms,
    own,
    identity: join(own, "vault.json"),
    lock: join(own, "vault.lock"),
    holder: join(own, "holder.json"),
    newest: join(own, "newest.json"),
    packVerdicts: join(own, "packs.json"),
    packVerdictsLock: join(own, "packs.lock"),
    marks: join(own, "marks"),
    records: join(own, "records"),
    trash: join(own, "trash"),
    mark: (id, kind) => inMarks(`${id}.${kind}.json`),
    record: (sequence) => join(own, "records", `${sequence}.json`),
    backup: (id, form) => inTop(nameOf(id, form)),
    trashed: (id, form) => inTrash(nameOf(id, form)),
    aside: (id, form) => inTrash(`${ASIDE}${nameOf(id, form)}`),
    partial: (id) => join(top, `.${id}.partial`),
    parse: (name) => {
      for (const form of forms) {
        const id = name.endsWith(form.suffix) ? name.slice(0, name.length - form.suffix.length) : "";
        if (isBackupId(id)) return { id, form };
      }
      return undefined;
    },
  };
}

/** join() for single names: of a thousand backups it takes longer than looking at them. */
function below(folder: string): (name: string) => string {
  const prefix = join(folder, "x").slice(0, -1);
  return (name) => prefix + name;
}

/** Where deleted backups wait for the next prune. */
export function trashFolder(top: string): string {
  return layoutOf(top, []).trash;
}

/** The id of a draft's folder, if the name is one. */
export function parsePartialName(name: string): BackupId | undefined {
  const id = name.startsWith(".") && name.endsWith(".partial") ? name.slice(1, -".partial".length) : "";
  return isBackupId(id) ? id : undefined;
}
