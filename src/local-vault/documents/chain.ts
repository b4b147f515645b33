import type { Previous } from "../../vault/index.ts";
import { GoneNumbers } from "./gone-numbers.ts";
import { latestRecords } from "./latest-records.ts";
import type { Documents } from "./read-documents.ts";

export interface ChainReport {
  /** Numbers that are neither a backup nor in a record. */
  readonly missing: readonly number[];
  readonly problems: readonly string[];
  /** What the next document refers to; null for the first. */
  readonly newest: Previous | null;
  /** One above every number that was ever seen. */
  readonly nextSequence: number;
  /** Numbers of damaged backups whose manifests do not show them, by name, as far as what is missing tells. */
  readonly inferred: ReadonlyMap<string, number>;
}

interface Link {
  readonly name: string;
  readonly sequence: number;
  readonly sha256: string;
  readonly previous: Previous | null;
}

/** More gaps than this are told as a count: a single forged number must not make a list without end. */
const MOST_MISSING = 1000;

/** Looks whether the documents of a vault form one unbroken row, each naming the one before it by its hash. */
export function checkChain(documents: Documents): ChainReport {
  const links = linksOf(documents);
  const problems: string[] = [];
  const bySequence = new Map<number, Link>();
  for (const link of links) {
    const other = bySequence.get(link.sequence);
    if (other === undefined) bySequence.set(link.sequence, link);
    else problems.push(`"${link.name}" and "${other.name}" both have number ${link.sequence}`);
  }
  const gone = GoneNumbers.of(documents);
  const hashes = new Map(links.map(({ sequence, sha256 }) => [sequence, sha256]));
  const accounted = new Set([...hashes.keys(), ...documents.damagedNumbers]);
  for (const { record } of documents.records) {
    for (const { sequence, manifest_sha256: sha256 } of record.backups) {
      accounted.add(sequence);
      if (!hashes.has(sequence)) hashes.set(sequence, sha256);
    }
    for (const { sequence } of record.damaged ?? []) if (sequence !== null) accounted.add(sequence);
    for (const { sequence, sha256 } of record.referred ?? []) if (!hashes.has(sequence)) hashes.set(sequence, sha256);
  }
  let highest = documents.highestNoted;
  for (const sequence of accounted) highest = Math.max(highest, sequence);
  for (const { name, sequence, previous } of links) {
    if (previous === null) {
      if (sequence > 1 && ([...accounted].some((other) => other < sequence) || gone.ranges.some(({ from }) => from < sequence)))
        problems.push(`"${name}" (number ${sequence}) does not name the document before it`);
      continue;
    }
    const sha256 = hashes.get(previous.sequence);
    if (sha256 !== undefined && sha256 !== previous.sha256)
      problems.push(`"${name}" (number ${sequence}) names another document ${previous.sequence} than the one that is there`);
    highest = Math.max(highest, previous.sequence);
  }
  problems.push(...returnedOf(documents, gone, highest));
  const missing: number[] = [];
  let uncounted = 0;
  // A number far above all others would be forged; what lies below the lowest document is counted from 1.
  for (let sequence = 1; sequence <= highest; sequence += 1) {
    if (accounted.has(sequence)) continue;
    const end = gone.endOf(sequence);
    if (end !== undefined) {
      sequence = end;
      continue;
    }
    if (missing.length < MOST_MISSING) missing.push(sequence);
    else if ((uncounted = highest - sequence) >= 0) break;
  }
  if (uncounted > 0) problems.push(`more than ${MOST_MISSING} numbers are missing`);
  const newest = links.reduce<Link | undefined>(
    (best, link) => (best === undefined || link.sequence > best.sequence ? link : best),
    undefined,
  );
  return {
    // One that is there, damaged beyond telling its number, is not gone; the damage is reported by itself.
    missing: missing.length <= documents.unnumbered ? [] : missing,
    problems,
    newest: newest === undefined ? null : { sequence: newest.sequence, sha256: newest.sha256 },
    nextSequence: highest + 1,
    inferred: inferNumbers(documents, missing),
  };
}

/** What is listed although the last word about it is that it was removed: laid there again, or brought back by a record that is lost. Not while the newest one is followed. */
function returnedOf({ backups, trash, records }: Documents, gone: GoneNumbers, highest: number): readonly string[] {
  const [latest, trashed] = [latestRecords(records), new Set(trash.map(({ sha256 }) => sha256))];
  return backups.flatMap(({ id, manifest, sha256 }) => {
    const record = latest.get(sha256);
    const wasRemoved = record?.kind === "removal" && record.sequence < highest && !trashed.has(sha256);
    if (wasRemoved) return [`"${id}" was removed, as record ${record.sequence} says, and is there`];
    return gone.has(manifest.sequence)
      ? [`"${id}" has number ${manifest.sequence}, which is gone for good as a record says, and is there`]
      : [];
  });
}

/** As many numbers missing as backups that do not show theirs: which has which is told by the order of their names. */
function inferNumbers({ damagedBackups }: Documents, missing: readonly number[]): ReadonlyMap<string, number> {
  const unnumbered = damagedBackups.filter(({ counted, sequence }) => counted && sequence === undefined).toSorted(byName);
  if (unnumbered.length !== missing.length) return new Map();
  return new Map(unnumbered.map(({ name }, index) => [name, missing[index] as number]));
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : 1;
}

function linksOf({ backups, trash, records }: Documents): Link[] {
  return [
    ...[...backups, ...trash].map(({ id, manifest, sha256 }) => ({
      name: id,
      sequence: manifest.sequence,
      sha256,
      previous: manifest.previous,
    })),
    ...records.map(({ record, sha256 }) => ({
      name: `record ${record.sequence}`,
      sequence: record.sequence,
      sha256,
      previous: record.previous,
    })),
  ].toSorted((a, b) => a.sequence - b.sequence);
}
