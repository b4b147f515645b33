import { lastTakenFirst, type BackupHead } from "../vault/index.ts";
import { goodComponents, isSafetyBackup, takenAt } from "./good-backup.ts";

const DAY = 86_400_000;
const SAFETY_DAYS = 7;
const SAFETY_COUNT = 3;

/**
 * Why each protected backup is, by id: no retention removes it, and it uses up no count.
 *
 * @param now milliseconds since the epoch
 */
export function protections(backups: readonly BackupHead[], now: number): ReadonlyMap<string, readonly string[]> {
  const reasons = new Map<string, string[]>();
  const protect = ({ id }: BackupHead, reason: string): void => {
    const known = reasons.get(id);
    if (known === undefined) reasons.set(id, [reason]);
    else if (!known.includes(reason)) known.push(reason);
  };
  const ordered = lastTakenFirst(backups);
  for (const head of ordered) {
    if (head.marks.pin !== undefined) protect(head, "pinned");
    if (head.manifest.trigger === "pre-migration") protect(head, "taken before a migration");
  }
  for (const [head, from, to] of beforeMigrations(ordered)) {
    protect(head, `the newest before a migration (schema version ${from} to ${to})`);
  }
  const times = takenAt(backups);
  const safety = ordered.filter((head) => isSafetyBackup(head) && head.marks.pin === undefined);
  for (const [index, head] of safety.entries()) {
    if (now - (times.get(head.id) ?? now) <= SAFETY_DAYS * DAY) protect(head, `taken before a restore within the last ${SAFETY_DAYS} days`);
    if (index < SAFETY_COUNT) protect(head, `one of the last ${SAFETY_COUNT} taken before a restore`);
  }
  return reasons;
}

/**
 * A migration that nobody announced shows in the schema version of the backup after it. Looked for among the backups good
 * for a component, so that a damaged one in between does not stand for the good one.
 */
function beforeMigrations(ordered: readonly BackupHead[]): (readonly [BackupHead, number, number])[] {
  const found: (readonly [BackupHead, number, number])[] = [];
  const before = new Map<string, { readonly head: BackupHead; readonly version: number }>();
  for (const head of ordered.toReversed()) {
    const { db_schema_version: version, imported_from: imported } = head.manifest;
    if (version === null || imported !== undefined || isSafetyBackup(head)) continue;
    for (const component of goodComponents(head)) {
      const last = before.get(component);
      if (last !== undefined && version > last.version) found.push([last.head, last.version, version]);
      before.set(component, { head, version });
    }
  }
  return found;
}
