import type { BackupHead } from "./vault.ts";

/** Clocks of one machine differ by less, whatever sets them. Milliseconds. */
const CLOCK_LEEWAY = 60_000;

/**
 * By number and not by time: under a clock that was set back, what was taken last looks older than what it replaces. An
 * imported backup has the number of its import, and comes after those taken here, in the order of its time.
 */
export function lastTakenFirst(backups: readonly BackupHead[]): readonly BackupHead[] {
  const here = backups.filter(({ manifest }) => manifest.imported_from === undefined);
  const imported = backups.filter(({ manifest }) => manifest.imported_from !== undefined);
  return [
    ...here.toSorted((a, b) => b.manifest.sequence - a.manifest.sequence),
    ...imported.toSorted(
      (a, b) => Date.parse(b.manifest.timestamp) - Date.parse(a.manifest.timestamp) || b.manifest.sequence - a.manifest.sequence,
    ),
  ];
}

/** Taken in this vault, and later than the clock says it is now: the clock was set back, or was ahead when they were taken. */
export function fromTheFuture(backups: readonly BackupHead[], now: number): readonly BackupHead[] {
  return backups.filter(({ manifest }) => manifest.imported_from === undefined && Date.parse(manifest.timestamp) > now + CLOCK_LEEWAY);
}
