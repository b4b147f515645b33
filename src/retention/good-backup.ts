import { foundDamage, goodFor, type BackupHead } from "../vault/index.ts";

/** The configuration: every backup carries it by itself, so that it would keep what is good for nothing else. */
const CARRIED_BY_ALL = "holdfast";

/** The components that a backup carries whole and not suspect, unless it was found not to read back. */
export function goodComponents(head: BackupHead): readonly string[] {
  return isDamaged(head) ? [] : carriedComponents(head);
}

/** It was found not to read back. */
export function isDamaged(head: BackupHead): boolean {
  return foundDamage(head) !== undefined;
}

/** What a backup would be good for if it read back. */
export function carriedComponents({ manifest }: BackupHead): readonly string[] {
  return manifest.components.filter((name) => name !== CARRIED_BY_ALL && goodFor(manifest, name));
}

/** What was kept before a restore is a state that somebody wanted to leave: it takes no other's place. */
export function isSafetyBackup({ manifest }: BackupHead): boolean {
  return manifest.trigger === "pre-restore";
}

/**
 * When each backup was taken at the earliest. One that was taken after another cannot be older than it, whatever the
 * clock said by then; an imported one has been here since its import. Milliseconds since the epoch.
 */
export function takenAt(backups: readonly BackupHead[]): ReadonlyMap<string, number> {
  const times = new Map<string, number>();
  let latest = Number.NEGATIVE_INFINITY;
  for (const { id, manifest } of backups.toSorted((a, b) => a.manifest.sequence - b.manifest.sequence)) {
    const time = Math.max(latest, Date.parse(manifest.timestamp));
    times.set(id, time);
    if (manifest.imported_from === undefined) latest = time;
  }
  return times;
}
