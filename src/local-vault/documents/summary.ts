import { crashpoint, createFile, errnoOf } from "../../kernel/index.ts";
import { SUMMARY_VERSION, type Previous, type VaultRecord } from "../../vault/index.ts";
import type { Layout } from "../layout.ts";
import { removeFiles } from "../remove-files.ts";
import { checkChain } from "./chain.ts";
import { GoneNumbers } from "./gone-numbers.ts";
import { noteNewest } from "./note-newest.ts";
import type { Documents } from "./read-documents.ts";

/** So many records that a summary can take in are worth one: each is read by every listing, and so by every backup. */
const MANY = 32;

/**
 * Has the records of what is gone for good taken in by one. Under the exclusive lock, and on the disk before the first of them goes: a crash in between
 * leaves both, which say the same. Where it cannot be written they stay, and the next sweep tries again.
 */
export async function summarizeRecords(layout: Layout, documents: Documents, time: number): Promise<void> {
  const closed = closedRecords(documents);
  if (closed.length < MANY) return;
  const { nextSequence: sequence, newest } = checkChain(documents);
  const gone = new GoneNumbers(closed.flatMap(({ record }) => rangesOf(record)));
  const record: VaultRecord = {
    version: SUMMARY_VERSION,
    kind: "summary",
    sequence,
    previous: newest,
    at: new Date(time).toISOString(),
    reason: `takes in ${closed.length} records of what is gone for good`,
    backups: [],
    gone: gone.ranges,
    referred: referredTo(documents, closed, gone),
  };
  if (!isWritten(layout.record(sequence), record)) return;
  noteNewest(layout, sequence);
  crashpoint("records-summarized");
  await removeFiles(
    closed.map((each) => layout.record(each.record.sequence)),
    () => crashpoint("record-swept"),
  );
}

function isWritten(path: string, record: VaultRecord): boolean {
  try {
    return createFile(path, `${JSON.stringify(record, null, 2)}\n`);
  } catch (error) {
    // On a full disk the trash goes all the same.
    if (errnoOf(error) === undefined) throw error;
    return false;
  }
}

type FoundRecord = Documents["records"][number];

/** Of nothing that is in the vault, or in its trash. */
function closedRecords({ backups, trash, records, damagedBackups, damagedTrash }: Documents): readonly FoundRecord[] {
  const hashes = new Set([...backups, ...trash].map(({ sha256 }) => sha256));
  // Of what is damaged the name is all that can be told.
  const damaged = [...damagedBackups, ...damagedTrash];
  const [ids, names] = [new Set<string>(damaged.map(({ id }) => id)), new Set(damaged.map(({ name }) => name))];
  return records.filter(({ record }) => {
    const isThere = record.backups.some(({ id, manifest_sha256: sha256 }) => ids.has(id) || hashes.has(sha256));
    return !isThere && !(record.damaged ?? []).some(({ name }) => names.has(name));
  });
}

function rangesOf({ sequence, backups, damaged = [], gone = [] }: VaultRecord): NonNullable<VaultRecord["gone"]> {
  const numbers = [sequence, ...backups.map((backup) => backup.sequence), ...damaged.flatMap((one) => one.sequence ?? [])];
  return [...numbers.map((number) => ({ from: number, to: number })), ...gone];
}

/** What documents that stay say of those that go: without the hash nobody could tell that they say it rightly. */
function referredTo({ backups, trash, records }: Documents, closed: readonly FoundRecord[], gone: GoneNumbers): readonly Previous[] {
  const going = new Set(closed);
  const staying = records.filter((record) => !going.has(record)).map(({ record }) => record.previous);
  const referred = new Set(
    [...[...backups, ...trash].map(({ manifest }) => manifest.previous), ...staying].map((previous) => previous?.sequence),
  );
  const hashes = new Map<number, string>();
  for (const { record, sha256 } of closed) {
    hashes.set(record.sequence, sha256);
    for (const { sequence, manifest_sha256: hash } of record.backups) hashes.set(sequence, hash);
    for (const { sequence, sha256: hash } of record.referred ?? []) hashes.set(sequence, hash);
  }
  return [...hashes]
    .filter(([sequence]) => referred.has(sequence) && gone.endOf(sequence) !== undefined)
    .map(([sequence, sha256]) => ({ sequence, sha256 }))
    .toSorted((one, other) => one.sequence - other.sequence);
}
