import type { VaultRecord } from "../../vault/index.ts";
import type { Documents } from "./read-documents.ts";

/** The last word of the records about each manifest, by its hash. */
export function latestRecords(records: Documents["records"]): ReadonlyMap<string, VaultRecord> {
  const latest = new Map<string, VaultRecord>();
  for (const { record } of inOrder(records)) for (const { manifest_sha256: sha256 } of record.backups) latest.set(sha256, record);
  return latest;
}

/** The last word about each backup that was damaged when it was removed, by its name in the vault. It may have been whole when it was removed again. */
export function latestDamage(records: Documents["records"]): ReadonlyMap<string, VaultRecord> {
  const latest = new Map<string, VaultRecord>();
  for (const { record } of inOrder(records)) {
    for (const { name } of record.damaged ?? []) latest.set(name, record);
    for (const { id } of record.backups)
      for (const name of latest.keys()) if (name === id || name.startsWith(`${id}.`)) latest.set(name, record);
  }
  return latest;
}

function inOrder(records: Documents["records"]): Documents["records"] {
  return records.toSorted((one, other) => one.record.sequence - other.record.sequence);
}
