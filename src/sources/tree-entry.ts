import { CaptureError, HostError } from "../kernel/index.ts";
import type { EntryHead, ReadingEntry, SqliteDetails, UntouchedEntries } from "../vault/index.ts";
import { isLogName, liveContent, stagedContent } from "./content.ts";
import { headOf } from "./head.ts";
import type { Notes } from "./notes.ts";
import type { RawDatabases } from "./raw-databases.ts";
import type { ReadingRequest } from "./reading-request.ts";
import type { Root } from "./root.ts";
import type { DatabaseChild } from "./sqlite/database-child.ts";
import { BUSY_TIMEOUT } from "./sqlite/busy-timeout.ts";
import { knownDatabase } from "./sqlite/known-database.ts";
import { stageDatabase } from "./sqlite/stage-database.ts";
import type { StagingFolder } from "./staging-folder.ts";
import type { Found, UntouchedFound } from "./walk.ts";

/** What the entries of a tree are made with. */
export interface TreeWork {
  readonly root: Root;
  readonly request: ReadingRequest;
  readonly notes: Notes;
  readonly staging: StagingFolder;
  readonly child: DatabaseChild;
  /** Databases met, by entry path. */
  readonly databases: Map<string, SqliteDetails>;
  /** Of a salvage: databases that are taken as files, with their sidecars; the walk that is under way looks here. */
  readonly raw: RawDatabases | null;
}

/** An entry, at once where nothing has to be copied for it. */
export function liveEntry(found: Found, work: TreeWork): ReadingEntry | Promise<ReadingEntry | undefined> {
  const plain = plainEntry(found, work);
  if (plain !== undefined) return plain;
  return found.type === "database" ? databaseOrFile(found, work) : fileEntry(found);
}

async function databaseOrFile(found: Found, work: TreeWork): Promise<ReadingEntry | undefined> {
  const database = await databaseOrRaw(found, work);
  return database === "raw" ? fileEntry(found) : database;
}

function fileEntry(found: Found): ReadingEntry {
  const { path, absolute, stats } = found;
  const moved = found.type === "file" && found.movedFrom !== undefined ? { movedFrom: found.movedFrom } : {};
  return { head: headOf(path, "file", stats), content: liveContent(absolute, stats, isLogName(path)), ...moved };
}

/** Most of a large tree are these, and nobody asks for more of them. */
export function untouchedEntries(found: readonly UntouchedFound[]): UntouchedEntries {
  return {
    entries: found.map(({ path, type, stats }) => ({ path, type, size: type === "directory" ? 0 : Number(stats.size) })),
    entry: (index) => {
      const one = found[index] as UntouchedFound;
      return one.type === "directory" ? folderEntry(one) : fileEntry(one);
    },
  };
}

function folderEntry({ path, stats }: Found): ReadingEntry {
  return { head: headOf(path, "directory", stats), content: { kind: "none" } };
}

/** An entry without bytes of its own: a folder, a link, another name. undefined for the others. */
export function plainEntry(found: Found, { raw }: TreeWork): ReadingEntry | undefined {
  const content = { kind: "none" } as const;
  if (found.type === "directory") return folderEntry(found);
  if (found.type === "symlink") return { head: { ...headOf(found.path, "symlink", found.stats), target: found.target }, content };
  if (found.linkTo === undefined) return undefined;
  const { sparse: _, ...head } = headOf(found.path, "file", found.stats);
  const isRaw = raw?.paths.has(found.linkTo) === true;
  // The log that counts may lie beside any of its names.
  if (isRaw) raw.add(found.path, new CaptureError("DATABASE_DAMAGED", `It is another name of "${found.linkTo}"`));
  const database = found.type === "database" && !isRaw ? { database: true } : {};
  return { head: { ...head, size: 0, hard_link: found.linkTo, ...database }, content };
}

/** "raw": no consistent copy can be had, and a salvage takes the bytes as they lie. Only lack of space ends a salvage. */
export async function databaseOrRaw(found: Found, work: TreeWork): Promise<ReadingEntry | "raw" | undefined> {
  try {
    return await databaseEntry(found, work);
  } catch (error) {
    const refused = error instanceof CaptureError || (error instanceof HostError && error.code !== "NO_SPACE");
    if (work.raw === null || !refused) throw error;
    work.raw.add(found.path, error);
    return "raw";
  }
}

/** A database inside a tree, copied when the walk meets it. */
async function databaseEntry(found: Found, work: TreeWork): Promise<ReadingEntry | undefined> {
  const { request, notes } = work;
  const known = knownDatabase(found.absolute, found.path, request);
  if (known !== undefined) {
    work.databases.set(found.path, known.details);
    const { sparse: _, ...head } = headOf(found.path, "file", known.stats);
    return { head: { ...head, size: known.size, database: true }, content: { kind: "known" } };
  }
  const target = work.staging.fresh();
  const staged = await stageDatabase(
    {
      path: found.absolute,
      within: work.root.real,
      target,
      known: request.quickCheckBefore?.get(found.path),
      busyTimeout: request.busyTimeout ?? BUSY_TIMEOUT,
      now: request.now,
      signal: request.signal,
    },
    work.child,
  );
  if (staged === undefined) {
    notes.omit(found.path, "vanished", true);
    return undefined;
  }
  for (const warning of staged.warnings) notes.warn(warning);
  if (staged.suspect) notes.suspect();
  work.databases.set(found.path, staged.details);
  const { content, size } = stagedContent(target, staged.look);
  const { sparse: _, ...rest } = headOf(found.path, "file", staged.stats);
  const head: EntryHead = { ...rest, size, database: true };
  return { head, content };
}
