import { readdirSync, readFileSync } from "node:fs";
import { errnoOf, HoldfastError, HostError, isRunning, lstatAt, type ErrorCode } from "../../kernel/index.ts";
import { parseManifest, parseManifestLink, type BackupId, type Manifest, type ManifestLink } from "../../vault/index.ts";
import { readClaim } from "../draft/claim.ts";
import { OWN_FOLDER, parsePartialName, type Layout } from "../layout.ts";
import { readManifestAs, type StoredForm, type StoredManifest } from "../stored-form.ts";
import { Moved, unreadable } from "./moved.ts";
import { ANEW, type Opened, type Reads } from "./read-before.ts";
import { readRecords, type FoundRecord } from "./read-records.ts";

export interface FoundBackup<M extends ManifestLink = Manifest> {
  readonly id: BackupId;
  readonly form: StoredForm["name"];
  readonly path: string;
  readonly manifest: M;
  readonly sha256: string;
}

/** Of which no more was looked at than who it is. */
export type TrashedBackup = FoundBackup<ManifestLink>;

export interface Damaged {
  readonly name: string;
  readonly problem: string;
  /** Of a failure that is no damage. */
  readonly code?: ErrorCode;
}

/** Has a backup's name and cannot be trusted. */
export interface DamagedBackup extends Damaged {
  readonly id: BackupId;
  readonly form: StoredForm["name"];
  /** As far as its manifest still shows it. */
  readonly sequence: number | undefined;
  /** Whether it may be one of the numbers that are missing; a backup of another vault is none. */
  readonly counted: boolean;
}

/** Everything in a vault that carries a sequence number, and everything that does not belong. */
export interface Documents {
  readonly backups: readonly FoundBackup[];
  readonly trash: readonly TrashedBackup[];
  readonly records: readonly FoundRecord[];
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
/** From that one on it is waited for a moment: somebody deletes much. */
const HURRIED = 5;
const MOMENT = 20;

/**
 * Reads a vault without a lock: everything in it appears and goes by one rename. When something went between its name
 * and its content, the reading begins anew, so that what is being deleted is never called damaged.
 */
export function readDocuments(layout: Layout, vault: string, reads: Reads = ANEW): Documents {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return readOnce(layout, vault, reads);
    } catch (error) {
      if (!(error instanceof Moved)) throw error;
      if (attempt === ATTEMPTS)
        throw new HostError("FILE_SYSTEM", `Cannot list the vault at "${layout.top}": it does not hold still`, {
          cause: error.cause,
          hint: "Try again",
        });
      if (attempt > HURRIED) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, MOMENT);
    }
  }
}

function readOnce(layout: Layout, vault: string, reads: Reads): Documents {
  const damagedBackups: DamagedBackup[] = [];
  const damagedTrash: DamagedBackup[] = [];
  const unfinished: string[] = [];
  const foreign: string[] = [];
  const backups = new Map<BackupId, FoundBackup>();
  const beside = new Set(layout.forms.flatMap(({ besideNames }) => besideNames));
  for (const { name, isFolder, parsed, partial } of placesIn(layout, layout.top, reads)) {
    if (name === OWN_FOLDER || beside.has(name)) continue;
    if (parsed !== undefined) {
      const place = { ...parsed, name, isFolder, path: layout.backup(parsed.id, parsed.form.name) };
      const found = readBackup(place, { vault, reads, parse: parseManifest }, damagedBackups);
      if (found === undefined) continue;
      if (backups.has(found.id))
        damagedBackups.push({
          id: parsed.id,
          form: parsed.form.name,
          name,
          problem: "Another backup has the same id",
          sequence: undefined,
          counted: false,
        });
      else backups.set(found.id, found);
    } else if (partial !== undefined) {
      const claim = readClaim(layout.partial(partial));
      if (claim === undefined || claim.vault !== vault) {
        const rest = restOf(layout.partial(partial));
        // Killed between making the folder and writing the claim, or at the very end of removing it.
        if (rest === "empty") unfinished.push(name);
        else if (rest === "something") foreign.push(name);
      } else if (!isRunning(claim)) unfinished.push(name);
    } else foreign.push(name);
  }
  const linked: { readonly place: BackupPlace; readonly found: TrashedBackup }[] = [];
  for (const { name, isFolder, parsed } of placesIn(layout, layout.trash, reads)) {
    if (parsed === undefined) continue;
    const place = { ...parsed, name, isFolder, path: layout.trashed(parsed.id, parsed.form.name) };
    const parse: BackupReading<ManifestLink>["parse"] = parsed.form.isProven === true ? parseManifestLink : parseManifest;
    const found = readBackup(place, { vault, reads, parse }, damagedTrash);
    if (found === undefined) continue;
    linked.push({ place, found });
    // It was removed between the two looks: a copy beside the trash would still be there.
    const twin = backups.get(found.id);
    if (twin !== undefined && lstatAt(twin.path) === undefined) throw new Moved("gone");
  }
  const damaged: Damaged[] = damagedBackups.map(({ name, problem, code }) => ({ name, problem, ...(code === undefined ? {} : { code }) }));
  const numbers: (number | undefined)[] = damagedBackups.filter(({ counted }) => counted).map(({ sequence }) => sequence);
  // Read last: a removal is written down before anything is moved, so that a backup which has just gone is in a record.
  const { records, unread } = readRecords(layout, reads);
  damaged.push(...unread.map(({ name, problem }) => ({ name, problem })));
  // What was removed as damaged, because of what else it says, is so in the trash as well.
  const removedAsDamaged = new Set(records.flatMap(({ record }) => record.damaged?.map(({ name }) => name) ?? []));
  const isSound = (place: BackupPlace): boolean =>
    readBackup(place, { vault, reads: ANEW, parse: parseManifest }, damagedTrash) !== undefined;
  const trash = linked.filter(({ place }) => !removedAsDamaged.has(place.name) || isSound(place)).map(({ found }) => found);
  numbers.push(...unread.map(({ sequence }) => sequence));
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

/** What is left where a draft was. It may go at any moment, with its draft. */
function restOf(folder: string): "gone" | "empty" | "something" {
  const stats = lstatAt(folder);
  if (stats?.isDirectory() !== true) return stats === undefined ? "gone" : "something";
  try {
    return readdirSync(folder).length === 0 ? "empty" : "something";
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return "gone";
    throw unreadable(folder, error);
  }
}

/** A name in the vault's folder or in its trash, and what it says. */
interface Place {
  readonly name: string;
  /** And no link to one. */
  readonly isFolder: boolean;
  readonly parsed: ReturnType<Layout["parse"]>;
  readonly partial: BackupId | undefined;
}

/** What a name is changes only together with the folder that it is in. */
function placesIn(layout: Layout, folder: string, reads: Reads): readonly Place[] {
  return reads.of(folder, () => {
    try {
      return readdirSync(folder, { withFileTypes: true })
        .map((found) => ({
          name: found.name,
          isFolder: found.isDirectory(),
          parsed: layout.parse(found.name),
          partial: parsePartialName(found.name),
        }))
        .toSorted((a, b) => (a.name < b.name ? -1 : 1));
    } catch (error) {
      throw unreadable(folder, error);
    }
  });
}

interface BackupPlace {
  readonly id: BackupId;
  readonly form: StoredForm;
  readonly name: string;
  readonly isFolder: boolean;
  readonly path: string;
}

interface BackupReading<M extends ManifestLink> {
  /** Id of the vault. */
  readonly vault: string;
  readonly reads: Reads;
  readonly parse: (bytes: Uint8Array, expected: { readonly id: BackupId }) => M;
}

function readBackup<M extends ManifestLink>(
  { id, form, name, isFolder, path }: BackupPlace,
  { vault, reads, parse }: BackupReading<M>,
  damaged: DamagedBackup[],
): FoundBackup<M> | undefined {
  try {
    const read = (opened: Opened): Pick<StoredManifest<M>, "manifest" | "sha256"> => {
      const { manifest, sha256 } = readManifestAs(parse, { form, path, id, opened });
      return { manifest, sha256 };
    };
    // Through a link one would look at a file that the vault does not hold.
    const { manifest, sha256 } = (isFolder === form.isFolder ? reads : ANEW).ofOpened(form.headOf(path), read);
    if (manifest.vault === vault) return { id, form: form.name, path, manifest, sha256 };
    damaged.push({
      id,
      form: form.name,
      name,
      sequence: undefined,
      counted: false,
      problem: `It was written for another vault, of instance "${manifest.instance}"; take it over with: holdfast import`,
    });
  } catch (error) {
    if (errnoOf(error) === "ENOENT") throw new Moved("gone", { cause: error });
    if (!(error instanceof HoldfastError)) throw error;
    const code = error.row.kind === "damage" ? {} : { code: error.code };
    damaged.push({ id, form: form.name, name, problem: error.message, ...code, sequence: numberIn(form, path), counted: true });
  }
  return undefined;
}

/** The sequence number that a damaged manifest still shows. */
function numberIn(form: StoredForm, path: string): number | undefined {
  try {
    const { sequence } = JSON.parse(form.readManifest(path).toString()) as { sequence?: unknown };
    return typeof sequence === "number" && Number.isSafeInteger(sequence) && sequence > 0 ? sequence : undefined;
  } catch {
    return undefined;
  }
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
