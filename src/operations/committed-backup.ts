import { existsSync, readdirSync } from "node:fs";
import { errnoOf } from "../kernel/index.ts";
import { layoutOf } from "../local-vault/index.ts";
import { backupTime, type BackupId, type Trigger } from "../vault/index.ts";
import { FORMS } from "./vault-at.ts";
import type { Instance } from "./instance.ts";

/** Whether a backup lies in the vault: it appears under its name when it is committed, and never before. Opens nothing. */
export function isCommitted({ config }: Instance, id: BackupId): boolean {
  const layout = layoutOf(config.backup.path, FORMS);
  return FORMS.some(({ name }) => existsSync(layout.backup(id, name)));
}

/** The newest that was begun since a time, for any reason or for one; null when there is none, or nothing can be seen. */
export function committedSince({ config }: Instance, since: number, trigger?: Trigger): BackupId | null {
  const layout = layoutOf(config.backup.path, FORMS);
  const ids = namesIn(config.backup.path).flatMap((name) => layout.parse(name)?.id ?? []);
  // An id tells whole seconds.
  const from = Math.floor(since / 1000) * 1000;
  const found = ids.filter((id) => backupTime(id) >= from && (trigger === undefined || id.slice(20).startsWith(trigger)));
  return found.toSorted().at(-1) ?? null;
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return [];
  }
}
