import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { errnoOf, HoldfastError, HostError, isRunning, lstatAt, namedSystemError } from "../kernel/index.ts";
import { parseRecord, type BackupId, type Manifest, type VaultRecord } from "../vault/index.ts";
import { readClaim } from "./claim.ts";
import { OWN_FOLDER, parseBackupName, parsePartialName, type ArchiveForm, type Layout } from "./layout.ts";
import { readHeadAt, readManifest } from "./read-head.ts";

export interface FoundBackup {
  readonly id: BackupId;
  readonly form: ArchiveForm;
  readonly path: string;
  readonly manifest: Manifest;
  readonly sha256: string;
}

export interface Damaged {
  readonly name: string;
  readonly problem: string;
}

/** Has a backup's name and cannot be trusted. */
export interface DamagedBackup extends Damaged {
  readonly id: BackupId;
  readonly form: ArchiveForm;
  /** As far as its manifest still shows it. */
  readonly sequence: number | undefined;
  /** Whether it may be one of the numbers that are missing; a backup of another vault is none. */
  readonly counted: boolean;
}

/** Everything in a vault that carries a sequence number, and everything that does not belong. */
export interface Documents {
  readonly backups: readonly FoundBackup[];
  readonly trash: readonly FoundBackup[];
  readonly records: readonly { readonly record: VaultRecord; readonly sha256: string }[];
  readonly damaged: readonly Damaged[];
  /** Those of `damaged` that are backups, by their names in the vault's folder. */
  readonly damagedBackups: readonly DamagedBackup[];
  /** The same in the trash, where damage is nobody's concern. Their numbers are in the records. */
  readonly damagedTrash: readonly DamagedBackup[];
  /** Sequence numbers of damaged documents, as far as they can still be told. */
  readonly damagedNumbers: readonly number[];
  /** Damaged backups whose number cannot be told. */
  readonly unnumbered: number;
  readonly unfinished: readonly string[];
  readonly foreign: readonly string[];
  /** The highest number that was ever given out, as far as a note beside the documents says; 0 when it says nothing. */
  readonly highestNoted: number;
}

/** How often a listing begins anew because something moved under it. */
const ATTEMPTS = 20;

/**
 * Reads a vault without a lock: everything in it appears and goes by one rename. When something went between its name
 * and its content, the reading begins anew, so that what is being deleted is never called damaged.
 */
export function readDocuments(layout: Layout, vault: string): Documents {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return readOnce(layout, vault);
    } catch (error) {
      if (!(error instanceof Moved)) throw error;
      if (attempt === ATTEMPTS)
        throw new HostError("FILE_SYSTEM", `Cannot list the vault at "${layout.top}": it does not hold still`, {
          cause: error.cause,
          hint: "Try again",
        });
    }
  }
}

class Moved extends Error {}

function readOnce(layout: Layout, vault: string): Documents {
  const damagedBackups: DamagedBackup[] = [];
  const damagedTrash: DamagedBackup[] = [];
  const unfinished: string[] = [];
  const foreign: string[] = [];
  const backups = new Map<BackupId, FoundBackup>();
  for (const name of namesIn(layout.top)) {
    if (name === OWN_FOLDER) continue;
    const parsed = parseBackupName(name);
    const partial = parsePartialName(name);
    if (parsed !== undefined) {
      const found = readBackup(layout.backup(parsed.id, parsed.form), name, parsed, vault, damagedBackups);
      if (found === undefined) continue;
      if (backups.has(found.id))
        damagedBackups.push({ ...parsed, name, problem: "Another backup has the same id", sequence: undefined, counted: false });
      else backups.set(found.id, found);
    } else if (partial !== undefined) {
      const claim = readClaim(layout.partial(partial));
      if (claim === undefined || claim.vault !== vault) {
        const rest = lstatAt(layout.partial(partial));
        // Killed between making the folder and writing the claim, or at the very end of removing it.
        if (rest?.isDirectory() === true && namesIn(layout.partial(partial)).length === 0) unfinished.push(name);
        else if (rest !== undefined) foreign.push(name);
      } else if (!isRunning(claim)) unfinished.push(name);
    } else foreign.push(name);
  }
  const trash: FoundBackup[] = [];
  for (const name of namesIn(layout.trash)) {
    const parsed = parseBackupName(name);
    const found = parsed === undefined ? undefined : readBackup(layout.trashed(parsed.id, parsed.form), name, parsed, vault, damagedTrash);
    if (found !== undefined) trash.push(found);
  }
  const damaged: Damaged[] = damagedBackups.map(({ name, problem }) => ({ name, problem }));
  const numbers: (number | undefined)[] = damagedBackups.filter(({ counted }) => counted).map(({ sequence }) => sequence);
  // Read last: a removal is written down before anything is moved, so that a backup which has just gone is in a record.
  const records = readRecords(layout, damaged, numbers);
  const damagedNumbers = numbers.filter((number) => number !== undefined);
  return {
    backups: [...backups.values()],
    trash,
    records,
    damaged,
    damagedBackups,
    damagedTrash,
    damagedNumbers,
    unnumbered: numbers.length - damagedNumbers.length,
    unfinished,
    foreign,
    highestNoted: readNoted(layout),
  };
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).toSorted();
  } catch (error) {
    throw namedSystemError(error, `read the vault's folder "${folder}"`);
  }
}

function readBackup(
  path: string,
  name: string,
  { id, form }: { id: BackupId; form: ArchiveForm },
  vault: string,
  damaged: DamagedBackup[],
): FoundBackup | undefined {
  try {
    const { manifest, sha256 } = readHeadAt(path, form, id);
    if (manifest.vault === vault) return { id, form, path, manifest, sha256 };
    damaged.push({
      id,
      form,
      name,
      sequence: undefined,
      counted: false,
      problem: `It was written for another vault, of instance "${manifest.instance}"; take it over with: holdfast import`,
    });
  } catch (error) {
    if (errnoOf(error) === "ENOENT") throw new Moved("gone", { cause: error });
    if (!(error instanceof HoldfastError)) throw error;
    damaged.push({ id, form, name, problem: error.message, sequence: numberIn(path, form), counted: true });
  }
  return undefined;
}

/** The sequence number that a damaged manifest still shows. */
function numberIn(path: string, form: ArchiveForm): number | undefined {
  try {
    const { sequence } = JSON.parse(readManifest(path, form).toString()) as { sequence?: unknown };
    return typeof sequence === "number" && Number.isSafeInteger(sequence) && sequence > 0 ? sequence : undefined;
  } catch {
    return undefined;
  }
}

function readRecords(layout: Layout, damaged: Damaged[], numbers: (number | undefined)[]): { record: VaultRecord; sha256: string }[] {
  const records: { record: VaultRecord; sha256: string }[] = [];
  for (const name of namesIn(layout.records)) {
    const sequence = /^([1-9]\d{0,15})\.json$/.exec(name)?.[1];
    if (sequence === undefined) continue; // a temporary file of a write that was cut off
    try {
      const bytes = readFileSync(layout.record(Number(sequence)));
      records.push({
        record: parseRecord(bytes, { sequence: Number(sequence) }),
        sha256: createHash("sha256").update(bytes).digest("hex"),
      });
    } catch (error) {
      const failure = namedSystemError(error, `read record ${sequence}`);
      damaged.push({ name: `records/${name}`, problem: failure.message });
      numbers.push(Number(sequence));
    }
  }
  return records;
}

function readNoted(layout: Layout): number {
  try {
    const { sequence } = JSON.parse(readFileSync(layout.newest, "utf8")) as { sequence?: unknown };
    return typeof sequence === "number" && Number.isSafeInteger(sequence) ? sequence : 0;
  } catch {
    // A hint and no more: without it the numbers of the documents decide.
    return 0;
  }
}
