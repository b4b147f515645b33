import { readlinkSync, type BigIntStats } from "node:fs";
import { CaptureError, errnoOf, identityKey, identityOf, lstatAt } from "../kernel/index.ts";
import { hardLinks, type HardLinks } from "./hard-links.ts";
import { isRestoreLeftover } from "./restore-leftovers.ts";
import { damagedDatabase } from "./damaged-database.ts";
import { enterFolder } from "./enter-folder.ts";
import { lookAtFile, type FileToLookAt, type SeenFile } from "./look-at-file.ts";
import { FolderMemory, type WalkMemory } from "./memory/folder-memory.ts";
import { ROWS } from "./memory/rows.ts";
import { showBytes } from "./names-in.ts";
import type { Notes } from "./notes.ts";
import type { Patterns } from "./patterns.ts";
import type { RawDatabases } from "./raw-databases.ts";
import { hasDatabaseHeader, SIDECARS } from "./sniff.ts";
import { breathe } from "./stop-signal.ts";

export interface Place {
  /** Entry path: "." for the root. */
  readonly path: string;
  readonly absolute: string;
  readonly stats: BigIntStats;
}

/** One thing that a tree's rules let in. */
export type Found = Place &
  (
    | { readonly type: "directory" }
    | { readonly type: "symlink"; readonly target: string }
    /** `linkTo`: path of the earlier find that this is another name of. */
    | {
        readonly type: "file" | "database";
        readonly linkTo: string | undefined;
        /** A file that looks as it did when it was last read. */
        readonly untouched: boolean;
        /** Entry path under which the last walk saw this very file. */
        readonly movedFrom?: string | undefined;
      }
  );

export interface WalkOptions {
  readonly root: string;
  /** Of the root. */
  readonly stats: BigIntStats;
  readonly patterns: Patterns;
  readonly excludeLarger: number | undefined;
  readonly excludeCaches: boolean;
  readonly oneFileSystem: boolean;
  /** Identity keys that are never opened and never walked. */
  readonly avoid: ReadonlySet<string>;
  /** Entry paths that were databases in the newest good backup. */
  readonly remembered: ReadonlySet<string>;
  /**
   * What should be a database and is none: null refuses it; a salvage takes it as a file, with its sidecars, and adds to
   * the list while it walks; "unseen" takes it for a file like any other and waits for nothing.
   */
  readonly raw: RawDatabases | "unseen" | null;
  readonly memory: WalkMemory | undefined;
  readonly notes: Notes;
  readonly signal: AbortSignal | undefined;
}

interface Frame {
  readonly folder: Place;
  readonly names: readonly string[];
  next: number;
  /** Not given out yet: with include patterns a folder comes only when something in it does. */
  pending: boolean;
  /** Names beside which the listing shows a write-ahead log or journal. */
  readonly logged: ReadonlySet<string>;
  readonly databases: Set<string>;
  /** Files left out unopened, of which sidecars may lie beside. */
  readonly leftOut: Map<string, "excluded" | "avoided">;
  readonly memory: FolderMemory | undefined;
}

/** Entries between two turns of the event loop. */
const BREATH = 512;
/** Untouched files that are given together, at most: a vault keeps them by the run, and one that is cut by the end of a batch costs more. */
const MOST_AT_ONCE = 1024;

/**
 * A tree in order: names sorted bytewise in each folder, a folder before its contents. Links are given as links and
 * never followed, so loops are harmless. Synchronous calls with a breath now and then; the memory is that of the
 * listings from the root to where the walk is.
 */
export async function* walk(options: WalkOptions): AsyncGenerator<Found> {
  for await (const found of walkInBatches(options)) {
    if (Array.isArray(found)) yield* found as readonly Found[];
    else yield found as Found;
  }
}

/** The same with untouched files that follow one another given together: in a large tree nearly all are, and to hand over each is a fifth of its cost. */
export async function* walkInBatches(options: WalkOptions): AsyncGenerator<Found | readonly Found[]> {
  const links = hardLinks();
  const root: Place = { path: ".", absolute: options.root, stats: options.stats };
  const stack = [frameOf(root, enterFolder(root, options) ?? [], options)];
  const untouched: Found[] = [];
  const batch = (): readonly (readonly Found[])[] => (untouched.length === 0 ? [] : [untouched.splice(0)]);
  yield* flush(stack);
  for (let steps = 1; ; steps += 1) {
    const frame = stack.at(-1);
    if (frame === undefined) {
      yield* batch();
      return;
    }
    const name = frame.names[frame.next];
    if (name === undefined) {
      frame.memory?.end();
      stack.pop();
      continue;
    }
    const index = frame.next;
    frame.next += 1;
    if (steps % BREATH === 0) await breathe(options.signal);
    const place = placeOf(frame.folder, name, options.notes);
    if (place === undefined) continue;
    const file = untouchedFile(place, name, frame, options);
    if (file === undefined && !admitted(place, name, frame, options)) {
      if (place.stats.isDirectory()) frame.memory?.note(index, ROWS.leftOutFolder, place.stats);
      continue;
    }
    if (file === undefined && place.stats.isDirectory()) {
      const names = enterFolder(place, options);
      if (names === undefined) continue;
      frame.memory?.note(index, ROWS.folder, place.stats);
      stack.push(frameOf(place, names, options));
      if (!options.patterns.included(place.path, true)) continue;
      yield* batch();
      yield* flush(stack);
      continue;
    }
    const found = file ?? (await identify(place, name, frame, options, links));
    if (found === undefined) continue;
    const same = found.type === "file" && found.untouched && found.linkTo === undefined;
    if (file !== undefined) frame.memory?.noteAgain(index);
    else frame.memory?.note(index, found.type === "symlink" ? ROWS.link : ROWS[found.type as "file" | "database"], found.stats);
    if (!same || frame.pending || untouched.length === MOST_AT_ONCE) yield* batch();
    // What is above a folder that was given out was given out before it.
    if (frame.pending) yield* flush(stack);
    if (same) untouched.push(found);
    else yield found;
  }
}

function frameOf(folder: Place, names: readonly string[], { memory }: WalkOptions): Frame {
  const logged = new Set<string>();
  for (const name of names) {
    if (name.endsWith("-wal")) logged.add(name.slice(0, -4));
    else if (name.endsWith("-journal")) logged.add(name.slice(0, -8));
  }
  return {
    folder,
    names,
    next: 0,
    pending: true,
    logged,
    databases: new Set(),
    leftOut: new Map(),
    memory: memory === undefined ? undefined : new FolderMemory(memory, folder.path, names),
  };
}

/** The folders that lead to a find and were held back. */
function* flush(stack: readonly Frame[]): Generator<Found> {
  for (const frame of stack) {
    if (!frame.pending) continue;
    frame.pending = false;
    yield { ...frame.folder, type: "directory" };
  }
}

function placeOf(folder: Place, name: string, notes: Notes): Place | undefined {
  const path = folder.path === "." ? name : `${folder.path}/${name}`;
  const absolute = `${folder.absolute === "/" ? "" : folder.absolute}/${name}`;
  try {
    const stats = lstatAt(absolute);
    // openclaw#67417: a file that vanished between listing and opening is reported, and the walk goes on.
    if (stats === undefined) notes.omit(path, "vanished", true);
    return stats === undefined ? undefined : { path, absolute, stats };
  } catch (error) {
    notes.omit(path, `Cannot be looked at (${errnoOf(error) ?? String(error)})`, false);
    return undefined;
  }
}

/** What the rules say before anything is opened. */
function admitted(place: Place, name: string, frame: Frame, options: WalkOptions): boolean {
  const { path, stats } = place;
  const directory = stats.isDirectory();
  if (isRestoreLeftover(name, directory)) {
    options.notes.omit(path, "Is left of a restore", true);
    return false;
  }
  if (options.avoid.has(identityKey(identityOf(stats)))) {
    frame.leftOut.set(name, "avoided");
    options.notes.omit(path, "Belongs to Holdfast itself", true);
    return false;
  }
  if (options.patterns.excluded(path, directory) || (!directory && !options.patterns.included(path, false))) {
    frame.leftOut.set(name, "excluded");
    return false;
  }
  if (directory) return true;
  if (options.oneFileSystem && stats.dev !== options.stats.dev) {
    options.notes.omit(path, "Lies on another file system", true);
    return false;
  }
  if (stats.isFile() && options.excludeLarger !== undefined && stats.size > BigInt(options.excludeLarger)) {
    frame.leftOut.set(name, "excluded");
    options.notes.omit(path, `Is larger than exclude_larger allows: ${stats.size} bytes`, true);
    return false;
  }
  return true;
}

/**
 * What nearly everything of a large tree that has hardly changed is. The rules are those of the last walk, which let in a file that looked
 * the same; what they decide by its neighbours is asked once more.
 */
function untouchedFile(place: Place, name: string, frame: Frame, { raw, remembered, stats: { dev } }: WalkOptions): Found | undefined {
  const { path, absolute, stats } = place;
  if (frame.memory === undefined || raw !== null || stats.nlink !== 1n || stats.dev !== dev) return undefined;
  // That it is a file was looked at the last time.
  if (!frame.memory.isUntouched(name, stats) || frame.logged.has(name) || belongsToDatabase(path, name, frame, raw)) return undefined;
  if (remembered.size > 0 && remembered.has(path)) return undefined;
  return { path, absolute, stats, type: "file", linkTo: undefined, untouched: true };
}

async function identify(place: Place, name: string, frame: Frame, options: WalkOptions, links: HardLinks): Promise<Found | undefined> {
  const { path, absolute, stats } = place;
  const { raw } = options;
  const wasDatabase = raw !== "unseen" && options.remembered.has(path);
  if (wasDatabase && !stats.isFile()) {
    const damage = damagedDatabase(absolute, "other-sort");
    if (raw === null) throw damage;
    raw.add(path, damage);
  }
  if (stats.isSymbolicLink()) {
    const target = targetOf(place, options.notes);
    return target === undefined ? undefined : { ...place, type: "symlink", target };
  }
  if (!stats.isFile()) {
    options.notes.omit(path, `Is ${sortOf(stats)}, which has no content to keep`, true);
    return undefined;
  }
  if (belongsToDatabase(path, name, frame, raw)) return undefined;
  const logListed = raw !== "unseen" && frame.logged.has(name);
  const untouched = stats.dev === options.stats.dev && frame.memory?.isUntouched(name, stats) === true;
  const seen = await lookAt({ path, absolute, stats, logListed, wasDatabase, untouched }, options);
  if (seen === undefined) return undefined;
  if (seen.type === "database") frame.databases.add(name);
  const linkTo = links.earlier(path, seen.stats);
  const movedFrom = untouched || seen.type !== "file" ? undefined : frame.memory?.movedFrom(name, seen.stats);
  return { path, absolute, stats: seen.stats, type: seen.type, linkTo, untouched: untouched && seen.stats === stats, movedFrom };
}

/** In a salvage a damaged database is the file that it is, and named. */
async function lookAt(file: FileToLookAt, { raw, notes, signal }: WalkOptions): Promise<SeenFile | undefined> {
  try {
    return await lookAtFile(file, notes, signal);
  } catch (error) {
    if (raw === null || raw === "unseen" || !(error instanceof CaptureError)) throw error;
    raw.add(file.path, error);
    return { type: "file", stats: lstatAt(file.absolute) ?? file.stats };
  }
}

function targetOf(place: Place, notes: Notes): string | undefined {
  try {
    const bytes = readlinkSync(place.absolute, { encoding: "buffer" });
    const target = bytes.toString("utf8");
    if (Buffer.from(target, "utf8").equals(bytes)) return target;
    notes.omit(place.path, `Points to a name that is not UTF-8: ${showBytes(bytes)}`, false);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") notes.omit(place.path, "vanished", true);
    else notes.omit(place.path, `Cannot be read as a link (${errnoOf(error) ?? String(error)})`, false);
  }
  return undefined;
}

function sortOf(stats: BigIntStats): string {
  if (stats.isFIFO()) return "a FIFO";
  return stats.isSocket() ? "a socket" : "a device";
}

/** `-wal`, `-shm` and `-journal` of a database are never stored as files: its copy holds what they say. */
function belongsToDatabase(path: string, name: string, frame: Frame, raw: WalkOptions["raw"]): boolean {
  for (const suffix of SIDECARS) {
    if (!name.endsWith(suffix)) continue;
    const base = name.slice(0, -suffix.length);
    if (raw !== null && raw !== "unseen" && raw.paths.has(path.slice(0, -suffix.length))) return false;
    if (frame.databases.has(base) || frame.leftOut.get(base) === "avoided") return true;
    if (frame.leftOut.get(base) === "excluded") return isDatabase(`${frame.folder.absolute}/${base}`);
  }
  return false;
}

function isDatabase(path: string): boolean {
  try {
    return lstatAt(path)?.isFile() === true && hasDatabaseHeader(path);
  } catch {
    // Excluded and unreadable: its sidecar is then a file like any other.
    return false;
  }
}
