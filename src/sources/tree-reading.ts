import { CaptureError, lstatAt } from "../kernel/index.ts";
import type { EntryHead, Reading, ReadingEntry, SqliteDetails } from "../vault/index.ts";
import { isLogName, liveContent, stagedContent } from "./content.ts";
import { cutTree } from "./cut-tree.ts";
import { headOf } from "./head.ts";
import { makeNotes, type Notes } from "./notes.ts";
import { makePatterns } from "./patterns.ts";
import { readingOf } from "./reading-of.ts";
import type { ReadingRequest } from "./reading-request.ts";
import type { Root } from "./root.ts";
import { databaseChild, type DatabaseChild } from "./sqlite/database-child.ts";
import { BUSY_TIMEOUT } from "./sqlite/sqlite-reading.ts";
import { stageDatabase } from "./sqlite/stage-database.ts";
import type { StagingFolder } from "./staging-folder.ts";
import { walk, type Found, type WalkOptions } from "./walk.ts";

/** What the entries of a tree are made with. */
export interface TreeWork {
  readonly root: Root;
  readonly request: ReadingRequest;
  readonly notes: Notes;
  readonly staging: StagingFolder;
  readonly child: DatabaseChild;
  /** Databases met, by entry path. */
  readonly databases: Map<string, SqliteDetails>;
}

/** A folder with everything in it, walked while it is stored; under a pause everything is copied first. */
export async function treeReading(root: Root, request: ReadingRequest, notes: Notes, staging: StagingFolder, avoid: ReadonlySet<string>): Promise<Reading> {
  const child = databaseChild();
  const work: TreeWork = { root, request, notes, staging, child, databases: new Map() };
  const patterns = makePatterns(request.exclude, request.include);
  const options: WalkOptions = {
    root: root.real,
    stats: root.stats,
    patterns,
    excludeLarger: request.excludeLarger,
    excludeCaches: request.excludeCaches,
    oneFileSystem: request.oneFileSystem,
    avoid,
    remembered: request.remembered.paths,
    notes,
    signal: request.signal,
  };
  async function* live(): AsyncGenerator<ReadingEntry> {
    for await (const found of walk(options)) {
      const entry = await liveEntry(found, work);
      if (entry !== undefined) yield entry;
    }
    finish();
  }
  const finish = (): void => {
    for (const warning of patterns.warnings()) notes.warn(warning);
    for (const path of request.remembered.paths) {
      if (!work.databases.has(path)) notes.warn(`"${path}" was a database in the newest good backup and is not captured now`);
    }
  };
  let entries: () => AsyncGenerator<ReadingEntry>;
  try {
    // The first walk of a cut counts bytes only, and what it notices is noticed again.
    const measured = (): AsyncGenerator<Found> => walk({ ...options, notes: makeNotes() });
    entries = request.cut ? await cutTree(walk(options), measured, work, finish) : live;
  } catch (error) {
    await child.close();
    throw error;
  }
  return readingOf({
    signal: request.signal,
    entries,
    confirm() {
      const now = lstatAt(root.real);
      if (request.cut || (now?.ino === root.stats.ino && now.dev === root.stats.dev)) return;
      throw new CaptureError("COMPONENT_MOVED", `The folder "${root.path}" was replaced while it was read`, { hint: "Back up when nothing replaces it" });
    },
    report: () => ({
      source: "tree",
      resolved_path: root.real,
      ...(work.databases.size === 0 ? {} : { databases: Object.fromEntries(work.databases) }),
      ...notes.result(),
    }),
    async close() {
      await child.close();
      staging.remove();
    },
  });
}

async function liveEntry(found: Found, work: TreeWork): Promise<ReadingEntry | undefined> {
  const plain = plainEntry(found);
  if (plain !== undefined) return plain;
  if (found.type === "database") return databaseEntry(found, work);
  return { head: headOf(found.path, "file", found.stats), content: liveContent(found.absolute, found.stats, isLogName(found.path)) };
}

/** An entry without bytes of its own: a folder, a link, another name. undefined for the others. */
export function plainEntry(found: Found): ReadingEntry | undefined {
  const content = { kind: "none" } as const;
  if (found.type === "directory") return { head: headOf(found.path, "directory", found.stats), content };
  if (found.type === "symlink") return { head: { ...headOf(found.path, "symlink", found.stats), target: found.target }, content };
  if (found.linkTo === undefined) return undefined;
  const { sparse: _, ...head } = headOf(found.path, "file", found.stats);
  return { head: { ...head, size: 0, hard_link: found.linkTo, ...(found.type === "database" ? { database: true } : {}) }, content };
}

/** A database inside a tree, copied when the walk meets it. */
export async function databaseEntry(found: Found, work: TreeWork): Promise<ReadingEntry | undefined> {
  const { request, notes } = work;
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
  const { content, size } = stagedContent(target);
  const { sparse: _, ...rest } = headOf(found.path, "file", staged.stats);
  const head: EntryHead = { ...rest, size, database: true };
  return { head, content };
}
