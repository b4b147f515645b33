import { basename, dirname, join } from "node:path";
import { crashpoint, HoldfastError, monotonicNow, namedSystemError } from "../kernel/index.ts";
import type { BackupReader, Entry } from "../vault/index.ts";
import { checkDatabase, type DatabaseCheck } from "./check-database.ts";
import { openTargetFolder } from "./target-folder.ts";
import { lookAhead, writeEntries, type WriteEntriesRequest } from "./write-entries.ts";
import { finishFolders, placeOf } from "./write-entry.ts";

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
  /** Milliseconds that their checks took. */
  readonly checkMillis: number;
}

/**
 * Puts a backup's bytes into another folder, in the layout of the backup. Touches nothing live.
 * Every content is compared with its recorded hash while it is written; the folder is complete or marked as unfinished, or
 * not there when nothing was written.
 *
 * @throws ConflictError TARGET_NOT_EMPTY · DamageError when the backup does not read back · HostError OWNER_NOT_PERMITTED
 */
export async function restoreTo(request: RestoreToRequest): Promise<RestoredTo> {
  const { component_details: details } = request.reader.head.manifest;
  const { reader, owner, select: wanted = () => true } = request;
  const ahead = await lookAhead({ reader, wanted, owner });
  const target = openTargetFolder(request.folder);
  crashpoint("restore-begun");
  const databases: string[] = [];
  const checks = new Map<string, DatabaseCheck>();
  let checkMillis = 0;
  const components = new Set<string>();
  let entries = 0;
  let bytes = 0;
  const writing: WriteEntriesRequest = {
    ...request,
    wanted,
    placeOf: ({ component, path }) => {
      const found = details[component];
      return found === undefined ? undefined : placeOf(target.building, found.stored_as, found.source === "tree", path);
    },
    onEntry: (entry, path) => {
      if (entry.database === true) databases.push(path);
      if (!components.has(entry.component)) crashpoint("restore-component-written");
      components.add(entry.component);
      entries += 1;
      bytes += entry.size;
    },
    onDatabase: ({ path, check, millis }) => {
      checks.set(path, check);
      checkMillis += millis;
    },
  };
  try {
    const folders = await writeEntries(writing, ahead);
    // A folder at the top is moved yet, and one that its owner may not write to cannot be.
    const tops = folders.filter(([path]) => dirname(path) === target.building);
    finishFolders(
      folders.filter((folder) => !tops.includes(folder)),
      { owners: owner === "recorded" },
    );
    const started = monotonicNow();
    const checked = databases.map((path) => ({
      path: path.slice(target.building.length + 1),
      ...(checks.get(path) ?? checkDatabase(path)),
    }));
    checkMillis += monotonicNow() - started;
    await target.publish();
    finishFolders(
      tops.map(([path, entry]) => [join(request.folder, basename(path)), entry]),
      { owners: owner === "recorded" },
    );
    return {
      folder: request.folder,
      components: [...components],
      entries,
      bytes,
      databases: checked,
      checkMillis: Math.round(checkMillis),
    };
  } catch (error) {
    target.abandon();
    throw error instanceof HoldfastError ? error : namedSystemError(error, `restore into "${request.folder}"`);
  }
}
