import { foundDamage, type BackupHead, type Listing } from "../vault/index.ts";

/** What earlier verifications found: one line when listed backups are recorded as damaged, with the newest of them; else null. */
export function recordedDamage({ backups }: Pick<Listing, "backups">): { readonly newest: BackupHead; readonly line: string } | null {
  const damaged = backups.filter((head) => foundDamage(head) !== undefined);
  const [newest] = damaged;
  if (newest === undefined) return null;
  if (backups.length === 1) return { newest, line: `The only backup, ${newest.id}, is recorded as damaged` };
  const which = damaged.length === 1 ? `is recorded as damaged: ${newest.id}` : `are recorded as damaged, the newest of them ${newest.id}`;
  return { newest, line: `${damaged.length} of ${backups.length} backups ${which}` };
}
