import { readdirSync } from "node:fs";
import type { BackupConfig, RetentionConfig } from "../../config/index.ts";
import { namedSystemError } from "../../kernel/index.ts";
import { isBackupId } from "../../vault/index.ts";

/** For how long what was written with earlier keys can be read with them. */
export interface OldKeyReach {
  /** Backups that the earlier keys open. */
  readonly backups: number;
  /** UTC; when retention lets go of the last of them at the latest, if it is neither pinned nor protected; null when there is none. */
  readonly until: string | null;
}

const DAY = 86_400_000;
const SUFFIX = ".backup";

/** Of all backups that are there, by their names: every one of them was sealed before the keys that have just been made. */
export function oldKeyReach({ backup: { path, retention } }: { readonly backup: Pick<BackupConfig, "path" | "retention"> }): OldKeyReach {
  let names: readonly string[];
  try {
    names = readdirSync(path);
  } catch (error) {
    throw namedSystemError(error, `read the vault at "${path}"`);
  }
  const ids = names.flatMap((name) => (name.endsWith(SUFFIX) ? [name.slice(0, -SUFFIX.length)] : [])).filter(isBackupId);
  const newest = ids.toSorted().at(-1);
  if (newest === undefined) return { backups: 0, until: null };
  const [day = "", time = ""] = newest.slice(0, 19).split("T");
  const taken = Date.parse(`${day}T${time.replaceAll("-", ":")}Z`);
  return { backups: ids.length, until: new Date(taken + longestDays(retention) * DAY).toISOString() };
}

/** The longest that retention keeps a backup that is followed by others. */
function longestDays({ maxAgeDays, hourly, daily, weekly, monthly, yearly }: RetentionConfig): number {
  return Math.max(maxAgeDays, Math.ceil(hourly / 24), daily, weekly * 7, monthly * 31, yearly * 366);
}
