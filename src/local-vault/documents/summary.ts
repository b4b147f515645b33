import { crashpoint, createFile, errnoOf } from "../../kernel/index.ts";
import { MOST_RANGES, SUMMARY_VERSION, type Previous, type VaultRecord } from "../../vault/index.ts";
import type { Layout } from "../layout.ts";
import { removeFiles } from "../remove-files.ts";
import { checkChain } from "./chain.ts";
import { GoneNumbers } from "./gone-numbers.ts";
import { latestDamage, latestRecords } from "./latest-records.ts";
import { noteNewest } from "./note-newest.ts";
import type { Documents } from "./read-documents.ts";

/** So many records that a summary can take in are worth one: each is read by every listing, and so by every backup. */
const MANY = 32;

/**
 * Has the records of what is gone for good taken in by one. Under the exclusive lock, and on the disk before the first of them goes: a crash in between
 * leaves both, which say the same. Where it cannot be written, or they cannot be deleted, the next sweep tries again.
 */
export async function summarizeRecords(layout: Layout, documents: Documents, time: number): Promise<void> {
  const known = GoneNumbers.of(documents);
  const all = closedRecords(documents);
  const isIn = ({ record }: FoundRecord): boolean => rangesOf(record).every(({ from, to }) => (known.endOf(from) ?? 0) >= to);
  const [left, closed] = [all.filter(isIn), all.filter((each) => !isIn(each))];
  if (closed.length < MANY) return await sweepRecords(layout, left);
  const { nextSequence: sequence, newest } = checkChain(documents);
  const gone = new GoneNumbers(closed.flatMap(({ record }) => rangesOf(record)));
  if (gone.ranges.length > MOST_RANGES) return;
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
  await sweepRecords(layout, [...left, ...closed]);
}

function isWritten(path: string, record: VaultRecord): boolean {
  try {
    return createFile(path, `${JSON.stringify(record, null, 2)}\n`);
  } catch (error) {
    return failedOnly(error);
  }
}

/** Of which a summary has all that has to stay. */
async function sweepRecords(layout: Layout, records: readonly FoundRecord[]): Promise<void> {
  try {
    await removeFiles(
      records.map(({ record }) => layout.record(record.sequence)),
      () => crashpoint("record-swept"),
    );
  } catch (error) {
    failedOnly(error);
  }
}

/** It saves time and nothing else: what the system fails at is tried again by the next sweep, and the trash is swept all the same. */
function failedOnly(error: unknown): false {
  if (errnoOf(error) === undefined) throw error;
  return false;
}

type FoundRecord = Documents["records"][number];

/**
 * Those whose last word about everything they name is that it was removed, and that are about nothing which is there, in the vault or in its trash, by its hash, its name, or
 * its number. What came back and is missing now was taken by somebody, and what has a number that a record gives to something else may be good: their records stay.
 */
function closedRecords(documents: Documents): readonly FoundRecord[] {
  const { backups, trash, records, damagedBackups, damagedTrash } = documents;
  const [there, damaged] = [
    [...backups, ...trash],
    [...damagedBackups, ...damagedTrash],
  ];
  const hashes = new Set(there.map(({ sha256 }) => sha256));
  const numbers = [...there.map(({ manifest }) => manifest.sequence), ...damaged.flatMap(({ sequence }) => sequence ?? [])];
  // Which number it has is guessed, also for what was removed in its place.
  const isOneUnnumbered = damaged.some(({ counted, sequence }) => counted && sequence === undefined);
  const [ids, names] = [new Set<string>(damaged.map(({ id }) => id)), new Set(damaged.map(({ name }) => name))];
  const [latest, latestOfDamaged] = [latestRecords(records), latestDamage(records)];
  return records.filter(({ record }) => {
    const ranges = new GoneNumbers(rangesOf(record));
    return (
      record.backups.every(({ id, manifest_sha256: hash }) => !hashes.has(hash) && !ids.has(id) && latest.get(hash)?.kind === "removal") &&
      (record.damaged ?? []).every(({ name }) => !names.has(name) && latestOfDamaged.get(name)?.record.kind === "removal") &&
      !(isOneUnnumbered && (record.damaged ?? []).length > 0) &&
      !numbers.some((number) => ranges.has(number))
    );
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
    .filter(([sequence]) => referred.has(sequence) && gone.has(sequence))
    .map(([sequence, sha256]) => ({ sequence, sha256 }))
    .toSorted((one, other) => one.sequence - other.sequence);
}
