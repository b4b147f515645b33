import { readdirSync, renameSync } from "node:fs";
import { basename } from "node:path";
import {
  ConflictError,
  crashpoint,
  createFile,
  InternalError,
  lstatAt,
  namedSystemError,
  NotFoundError,
  syncFolder,
} from "../../kernel/index.ts";
import { RECORD_VERSION, type BackupId, type RecordedDamage, type VaultRecord } from "../../vault/index.ts";
import { checkChain } from "./chain.ts";
import type { Layout } from "../layout.ts";
import { latestAbout } from "./latest-records.ts";
import { noteNewest } from "./note-newest.ts";
import type { Documents, FoundBackup, TrashedBackup } from "./read-documents.ts";

interface RecordRequest {
  readonly kind: VaultRecord["kind"];
  readonly backups: readonly TrashedBackup[];
  readonly damaged?: readonly RecordedDamage[];
  readonly reason: string;
  readonly reasons?: ReadonlyMap<string, string>;
  readonly time: number;
}

export interface RemovalRequest {
  readonly ids: readonly BackupId[];
  readonly reason: string;
  /** Of single ones, by id. */
  readonly reasons?: ReadonlyMap<string, string>;
  readonly time: number;
}

/** Writes the record first and moves then: what is gone without a record was taken by somebody else. */
export function removeBackups(layout: Layout, documents: Documents, { ids, reason, reasons, time }: RemovalRequest): void {
  const known = new Map<string, FoundBackup>(documents.backups.map((backup) => [backup.id, backup]));
  const backups = [...new Set(ids)].map((id) => {
    const found = known.get(id);
    if (found === undefined)
      throw new NotFoundError("BACKUP_NOT_FOUND", `There is no backup "${id}"`, { hint: "List them with: holdfast backup list" });
    return found;
  });
  if (backups.length === 0) return;
  // Found out before the record is written: a record that cannot be followed would stop every later change.
  refuseTrashed(layout, backups);
  writeRecord(layout, documents, { kind: "removal", backups, reason, time, ...(reasons === undefined ? {} : { reasons }) });
  crashpoint("removal-recorded");
  // Once more: the record had to reach the disk first, and a rename takes the place of what is there.
  refuseTrashed(layout, backups);
  for (const { id, form } of backups) {
    rename(layout.backup(id, form), layout.trashed(id, form));
    crashpoint("removal-moved");
  }
  // The record is on disk: whatever a power cut takes back of the moves is done again from it.
  syncFolders([layout.top, layout.trash]);
}

/** The same for one that cannot be trusted. A crash between record and move leaves it listed as damaged, and nothing worse. */
export function removeDamaged(layout: Layout, documents: Documents, name: string, reason: string, time: number): void {
  const found = documents.damagedBackups.find((backup) => backup.name === name);
  if (found === undefined) throw new NotFoundError("BACKUP_NOT_FOUND", `There is no damaged backup "${name}"`);
  const { id, form } = found;
  refuseTaken(layout.backup(id, form), layout.trashed(id, form));
  const sequence = found.sequence ?? checkChain(documents).inferred.get(name) ?? null;
  writeRecord(layout, documents, { kind: "removal", backups: [], damaged: [{ name, sequence }], reason, time });
  crashpoint("removal-recorded");
  move(layout.backup(id, form), layout.trashed(id, form), [layout.top, layout.trash]);
  crashpoint("removal-moved");
}

export function undeleteBackup(layout: Layout, documents: Documents, id: BackupId, time: number): void {
  const found = documents.trash.find((backup) => backup.id === id);
  const damaged = found === undefined ? documents.damagedTrash.find((backup) => backup.id === id) : undefined;
  const form = (found ?? damaged)?.form;
  if (form === undefined)
    throw new NotFoundError("BACKUP_NOT_FOUND", `Backup "${id}" is not in the trash`, { hint: "It was never there, or it is too late" });
  if (documents.backups.some((backup) => backup.id === id) || lstatAt(layout.backup(id, form)) !== undefined) {
    throw new ConflictError("FILE_EXISTS", `A backup "${id}" is in the vault already`, { hint: "Delete that one first" });
  }
  writeRecord(layout, documents, {
    kind: "return",
    backups: found === undefined ? [] : [found],
    ...(damaged === undefined
      ? {}
      : { damaged: [{ name: damaged.name, sequence: latestAbout(documents.records, damaged.name)?.number ?? null }] }),
    reason: "undeleted",
    time,
  });
  crashpoint("undelete-recorded");
  move(layout.trashed(id, form), layout.backup(id, form), [layout.trash, layout.top]);
  crashpoint("undelete-moved");
}

/**
 * Finishes what a crash cut off between record and move: of the newest document, because every writer does this before it writes another one. An older
 * record is not followed once more: what brought a backup back may be in one that is damaged, or that was lost. Runs under the write lock, before anything else is changed.
 *
 * @returns whether anything was moved
 */
export function settleRecords(layout: Layout, documents: Documents): boolean {
  const record = documents.records.toSorted((one, other) => other.record.sequence - one.record.sequence)[0]?.record;
  if (record === undefined) return false;
  const hashes = new Set(record.backups.map(({ manifest_sha256: sha256 }) => sha256));
  const named = (kind: VaultRecord["kind"], backups: readonly TrashedBackup[]): readonly TrashedBackup[] =>
    record.kind === kind ? backups.filter(({ sha256 }) => hashes.has(sha256)) : [];
  // A copy of it that somebody laid beside is not what the record speaks of: it stays where it is, and is told of.
  const going = named("removal", documents.backups).filter(({ id, form }) => lstatAt(layout.trashed(id, form)) === undefined);
  const coming = named("return", documents.trash).filter(({ id, form }) => lstatAt(layout.backup(id, form)) === undefined);
  // The chain is gone through only where something may have to be moved.
  if (going.length + coming.length === 0 || record.sequence !== checkChain(documents).nextSequence - 1) return false;
  for (const { id, form } of going) move(layout.backup(id, form), layout.trashed(id, form), []);
  for (const { id, form } of coming) move(layout.trashed(id, form), layout.backup(id, form), []);
  syncFolders([layout.top, layout.trash]);
  return true;
}

function writeRecord(layout: Layout, documents: Documents, { kind, backups, damaged, reason, reasons, time }: RecordRequest): void {
  const { nextSequence: sequence, newest } = checkChain(documents);
  const record: VaultRecord = {
    version: RECORD_VERSION,
    kind,
    sequence,
    previous: newest,
    at: new Date(time).toISOString(),
    reason,
    backups: backups.map(({ id, manifest, sha256 }) => {
      const own = reasons?.get(id);
      return { sequence: manifest.sequence, id, manifest_sha256: sha256, ...(own === undefined ? {} : { reason: own }) };
    }),
    ...(damaged === undefined ? {} : { damaged }),
  };
  try {
    if (!createFile(layout.record(sequence), `${JSON.stringify(record, null, 2)}\n`))
      throw new InternalError(`Record ${sequence} is there already`);
  } catch (error) {
    throw namedSystemError(error, "write a record to the vault");
  }
  noteNewest(layout, sequence);
}

/** One look at the trash tells it of a thousand backups. */
function refuseTrashed(layout: Layout, backups: readonly FoundBackup[]): void {
  let names: ReadonlySet<string>;
  try {
    names = new Set(readdirSync(layout.trash));
  } catch (error) {
    throw namedSystemError(error, `read the trash of "${layout.top}"`);
  }
  for (const { id, form } of backups) {
    const to = layout.trashed(id, form);
    if (names.has(basename(to))) throw taken(layout.backup(id, form), to);
  }
}

function refuseTaken(from: string, to: string): void {
  if (lstatAt(to) !== undefined) throw taken(from, to);
}

function taken(from: string, to: string): ConflictError {
  return new ConflictError("FILE_EXISTS", `Cannot move "${from}": "${to}" exists`, { hint: "Look at both; nothing was changed" });
}

function move(from: string, to: string, folders: readonly string[]): void {
  refuseTaken(from, to);
  rename(from, to);
  try {
    syncFolders(folders);
  } catch (error) {
    throw namedSystemError(error, `move "${from}"`);
  }
}

function rename(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    throw namedSystemError(error, `move "${from}"`);
  }
}

function syncFolders(folders: readonly string[]): void {
  for (const folder of folders) syncFolder(folder);
}
