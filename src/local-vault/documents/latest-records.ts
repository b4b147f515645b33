import type { VaultRecord } from "../../vault/index.ts";
import type { Documents } from "./read-documents.ts";

/** The last word of the records about each manifest, by its hash. */
export function latestRecords(records: Documents["records"]): ReadonlyMap<string, VaultRecord> {
  const latest = new Map<string, VaultRecord>();
  for (const { record } of inOrder(records)) for (const { manifest_sha256: sha256 } of record.backups) latest.set(sha256, record);
  return latest;
}

/** The last word of the records about a damaged backup, and the number that they give it. */
export interface AboutDamage {
  readonly record: VaultRecord;
  readonly number: number | null;
}

/** @param name of the backup in the vault. It may have been whole when it was removed, and was damaged in the trash */
export function latestAbout(records: Documents["records"], name: string): AboutDamage | undefined {
  return lastWord(inOrder(records), name);
}

/** The same about each backup that was damaged when it was removed, by its name. */
export function latestDamage(records: Documents["records"]): ReadonlyMap<string, AboutDamage> {
  const ordered = inOrder(records);
  const names = new Set(ordered.flatMap(({ record }) => (record.damaged ?? []).map(({ name }) => name)));
  return new Map([...names].flatMap((name) => [lastWord(ordered, name)].flatMap((about) => (about === undefined ? [] : [[name, about]]))));
}

function lastWord(ordered: Documents["records"], name: string): AboutDamage | undefined {
  let last: AboutDamage | undefined;
  for (const { record } of ordered) {
    const damage = record.damaged?.find((one) => one.name === name);
    const isNamed = damage !== undefined || record.backups.some(({ id }) => id === name || name.startsWith(`${id}.`));
    if (isNamed) last = { record, number: damage === undefined ? (last?.number ?? null) : damage.sequence };
  }
  return last;
}

function inOrder(records: Documents["records"]): Documents["records"] {
  return records.toSorted((one, other) => one.record.sequence - other.record.sequence);
}
