import { crashpoint, HoldfastError, HostError, namedSystemError } from "../kernel/index.ts";
import type { BackupReader, Entry } from "../vault/index.ts";
import { checkDatabase, type DatabaseCheck } from "./check-database.ts";
import { openTargetFolder } from "./target-folder.ts";
import { finishFolders, placeOf, writeEntry, type PendingFolder } from "./write-entry.ts";

export interface RestoreToRequest {
  readonly reader: BackupReader;
  /** Absolute; empty or not there yet. */
  readonly folder: string;
  /** What to restore; everything unless given. A folder on the way to something wanted is made in any case. */
  readonly select?: (entry: Entry) => boolean;
  /** "recorded" gives files to who owned them, "current" to this account. */
  readonly owner: "recorded" | "current";
  readonly signal?: AbortSignal;
  readonly onBytes?: (bytes: number) => void;
}

export interface RestoredTo {
  readonly folder: string;
  readonly components: readonly string[];
  readonly entries: number;
  readonly bytes: number;
  /** Every database among it, checked. */
  readonly databases: readonly ({ readonly path: string } & DatabaseCheck)[];
}

/**
 * Puts a backup's bytes into another folder, in the layout of the backup. Touches nothing live.
 * Every content is compared with its recorded hash while it is written; the folder is complete or marked as unfinished.
 *
 * @throws ConflictError TARGET_NOT_EMPTY · DamageError when the backup does not read back · HostError OWNER_NOT_PERMITTED
 */
export async function restoreTo(request: RestoreToRequest): Promise<RestoredTo> {
  const { reader } = request;
  const { manifest } = reader.head;
  const owners = request.owner === "recorded";
  const wanted = request.select ?? (() => true);
  const standIns = await lookAhead(reader, wanted, owners);
  const target = openTargetFolder(request.folder);
  crashpoint("restore-begun");
  const folders: PendingFolder[] = [];
  const databases: string[] = [];
  /** Where the first name of each hard-link group was written. */
  const written = new Map<string, string>();
  const components = new Set<string>();
  let entries = 0;
  let bytes = 0;
  try {
    for await (const opened of reader.read({
      select: (entry) => wanted(entry) || standIns.has(keyOf(entry)),
      ...(request.signal === undefined ? {} : { signal: request.signal }),
      ...(request.onBytes === undefined ? {} : { onBytes: request.onBytes }),
    })) {
      const key = keyOf(opened.entry);
      const entry = wanted(opened.entry) ? opened.entry : standIns.get(key);
      if (entry === undefined) continue;
      const details = manifest.component_details[entry.component];
      if (details === undefined) continue;
      const path = placeOf(target.building, details.stored_as, details.source === "tree", entry.path);
      const first = entry.hard_link === undefined ? undefined : written.get(`${entry.component}/${entry.hard_link}`);
      if (first === path) continue; // written already, in the place of its first name
      const folder = await writeEntry(path, first, { ...opened, entry }, { owners });
      if (folder !== undefined) folders.push(folder);
      if (entry.type === "file") written.set(key, path);
      if (entry.database === true) databases.push(path);
      if (!components.has(entry.component)) crashpoint("restore-component-written");
      components.add(entry.component);
      entries += 1;
      bytes += entry.size;
    }
    finishFolders(folders, { owners });
    const checked = databases.map((path) => ({ path: path.slice(target.building.length + 1), ...checkDatabase(path) }));
    await target.publish();
    return { folder: request.folder, components: [...components], entries, bytes, databases: checked };
  } catch (error) {
    throw error instanceof HoldfastError ? error : namedSystemError(error, `restore into "${request.folder}"`);
  }
}

function keyOf(entry: Entry): string {
  return `${entry.component}/${entry.path}`;
}

/**
 * One pass over the entries before anything is written: refuses owners that this account cannot give, and finds for each
 * first name of a hard-link group that is not wanted itself the wanted name that its content is written under.
 */
async function lookAhead(reader: BackupReader, wanted: (entry: Entry) => boolean, owners: boolean): Promise<ReadonlyMap<string, Entry>> {
  const uid = process.getuid?.() ?? 0;
  const groups = new Set([process.getegid?.() ?? 0, ...(process.getgroups?.() ?? [])]);
  const unwanted = new Set<string>();
  const standIns = new Map<string, Entry>();
  for await (const entry of reader.entries()) {
    if (!wanted(entry)) {
      if (entry.type === "file") unwanted.add(keyOf(entry));
      continue;
    }
    const first = `${entry.component}/${entry.hard_link}`;
    if (entry.hard_link !== undefined && unwanted.has(first) && !standIns.has(first)) standIns.set(first, entry);
    if (owners && uid !== 0 && (entry.uid !== uid || !groups.has(entry.gid))) {
      const owner = entry.uid === uid ? `group ${entry.group ?? entry.gid}` : `user ${entry.user ?? entry.uid}`;
      throw new HostError("OWNER_NOT_PERMITTED", `"${keyOf(entry)}" belongs to ${owner}, and this account may not give files away`, {
        hint: "Run as root, or add --owner current to own everything yourself",
      });
    }
  }
  return standIns;
}
