import { existsSync, renameSync, rmSync } from "node:fs";
import {
  ConflictError,
  crashpoint,
  createFile,
  InternalError,
  namedSystemError,
  NotFoundError,
  removeFile,
  syncFolder,
} from "../kernel/index.ts";
import { MARK_KINDS, RECORD_VERSION, type BackupId, type VaultRecord } from "../vault/index.ts";
import { checkChain } from "./chain.ts";
import type { Layout } from "./layout.ts";
import { noteNewest } from "./note-newest.ts";
import { readDocuments, type Documents, type FoundBackup } from "./read-documents.ts";

interface RecordRequest {
  readonly kind: VaultRecord["kind"];
  readonly backups: readonly FoundBackup[];
  readonly reason: string;
  readonly time: number;
}

/** Writes the record first and moves then: what is gone without a record was taken by somebody else. */
export function removeBackups(layout: Layout, vault: string, ids: readonly BackupId[], reason: string, time: number): void {
  const documents = readDocuments(layout, vault);
  const backups = [...new Set(ids)].map((id) => {
    const found = documents.backups.find((backup) => backup.id === id);
    if (found === undefined)
      throw new NotFoundError("BACKUP_NOT_FOUND", `There is no backup "${id}"`, { hint: "List them with: holdfast backup list" });
    return found;
  });
  if (backups.length === 0) return;
  writeRecord(layout, documents, { kind: "removal", backups, reason, time });
  crashpoint("removal-recorded");
  for (const { id, form } of backups) {
    move(layout.backup(id, form), layout.trashed(id, form), []);
    crashpoint("removal-moved");
  }
  // The record is on disk: whatever a power cut takes back of the moves is done again from it.
  for (const folder of [layout.top, layout.trash]) syncFolder(folder);
}

export function undeleteBackup(layout: Layout, vault: string, id: BackupId, time: number): void {
  const documents = readDocuments(layout, vault);
  const found = documents.trash.find((backup) => backup.id === id);
  if (found === undefined)
    throw new NotFoundError("BACKUP_NOT_FOUND", `Backup "${id}" is not in the trash`, { hint: "It was never there, or it is too late" });
  if (documents.backups.some((backup) => backup.id === id) || existsSync(layout.backup(id, found.form))) {
    throw new ConflictError("FILE_EXISTS", `A backup "${id}" is in the vault already`, { hint: "Delete that one first" });
  }
  writeRecord(layout, documents, { kind: "return", backups: [found], reason: "undeleted", time });
  crashpoint("undelete-recorded");
  move(layout.trashed(id, found.form), layout.backup(id, found.form), [layout.trash, layout.top]);
  crashpoint("undelete-moved");
}

/**
 * Finishes what a crash cut off between record and move. Runs under the write lock, before anything else is changed.
 *
 * @returns whether anything was moved
 */
export function settleRecords(layout: Layout, documents: Documents): boolean {
  let moved = false;
  const latest = latestRecords(documents);
  for (const { id, form, sha256 } of documents.backups) {
    if (latest.get(sha256)?.kind !== "removal") continue;
    move(layout.backup(id, form), layout.trashed(id, form), [layout.top, layout.trash]);
    moved = true;
  }
  for (const { id, form, sha256 } of documents.trash) {
    if (latest.get(sha256)?.kind !== "return") continue;
    move(layout.trashed(id, form), layout.backup(id, form), [layout.trash, layout.top]);
    moved = true;
  }
  return moved;
}

/** The last word of the records about each manifest, by its hash. */
export function latestRecords({ records }: Documents): Map<string, VaultRecord> {
  const latest = new Map<string, VaultRecord>();
  for (const { record } of records.toSorted((a, b) => a.record.sequence - b.record.sequence)) {
    for (const { manifest_sha256: sha256 } of record.backups) latest.set(sha256, record);
  }
  return latest;
}

/** Deletes what lies in the trash for good. Under the exclusive lock: somebody may be reading it. */
export function emptyTrash(layout: Layout, vault: string): readonly BackupId[] {
  const { trash, backups } = readDocuments(layout, vault);
  for (const { id, form } of trash) {
    rmSync(layout.trashed(id, form), { recursive: true, force: true, maxRetries: 3 });
    crashpoint("trash-emptying");
    if (!backups.some((backup) => backup.id === id)) for (const kind of MARK_KINDS) removeFile(layout.mark(id, kind));
  }
  syncFolder(layout.trash);
  return trash.map(({ id }) => id);
}

function writeRecord(layout: Layout, documents: Documents, { kind, backups, reason, time }: RecordRequest): void {
  const { nextSequence: sequence, newest } = checkChain(documents);
  const record: VaultRecord = {
    version: RECORD_VERSION,
    kind,
    sequence,
    previous: newest,
    at: new Date(time).toISOString(),
    reason,
    backups: backups.map(({ id, manifest, sha256 }) => ({ sequence: manifest.sequence, id, manifest_sha256: sha256 })),
  };
  try {
    if (!createFile(layout.record(sequence), `${JSON.stringify(record, null, 2)}\n`))
      throw new InternalError(`Record ${sequence} is there already`);
  } catch (error) {
    throw namedSystemError(error, "write a record to the vault");
  }
  noteNewest(layout, sequence);
}

function move(from: string, to: string, folders: readonly string[]): void {
  if (existsSync(to))
    throw new ConflictError("FILE_EXISTS", `Cannot move "${from}": "${to}" exists`, { hint: "Look at both; nothing was changed" });
  try {
    renameSync(from, to);
    for (const folder of folders) syncFolder(folder);
  } catch (error) {
    throw namedSystemError(error, `move "${from}"`);
  }
}
