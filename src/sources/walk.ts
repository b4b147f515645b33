import type { BigIntStats } from "node:fs";
import { errnoOf, identityKey, identityOf, lstatAt } from "../kernel/index.ts";
import { CACHE_TAG } from "./cache-folder.ts";
import { enterFolder, type FolderNames } from "./enter-folder.ts";
import { hardLinks } from "./hard-links.ts";
import { identify } from "./identify.ts";
import type { WalkMemory } from "./memory/folder-memory.ts";
import { ROWS } from "./memory/rows.ts";
import type { FolderRecord } from "./memory/tree-memory.ts";
import type { Notes } from "./notes.ts";
import type { Patterns } from "./patterns.ts";
import type { RawDatabases } from "./raw-databases.ts";
import { isRestoreLeftover } from "./restore-leftovers.ts";
import { breathe } from "./stop-signal.ts";
import { untouchedFile } from "./untouched-file.ts";
import { frameOf, pathsOf, type Frame } from "./walk-frame.ts";

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

/** A file or a folder that is as it was in the last walk. */
export type UntouchedFound = Found & { readonly type: "file" | "directory" };

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

const NOTHING: FolderNames = { names: [], isAll: false };

/** Entries between two turns of the event loop. */
const BREATH = 512;
/** Untouched entries that are given together, at most. What waits for long is moved by the collector: 1,024 of them took 20 MB more for 600,000 files, and no less time. */
const MOST_AT_ONCE = 256;

/**
 * A tree in order: names sorted bytewise in each folder, a folder before its contents. Links are given as links and
 * never followed, so loops are harmless. Synchronous calls with a breath now and then; the memory is that of the
 * listings from the root to where the walk is.
 */
export async function* walk(options: WalkOptions): AsyncGenerator<Found> {
  for await (const found of walkInBatches(options)) {
    if (Array.isArray(found)) yield* found as readonly UntouchedFound[];
    else yield found as Found;
  }
}

/** The same with what is untouched and follows one another given together: in a large tree nearly all is, and to hand over each is a fifth of its cost. */
export async function* walkInBatches(options: WalkOptions): AsyncGenerator<Found | readonly UntouchedFound[]> {
  const links = hardLinks();
  const root: Place = { path: ".", absolute: options.root, stats: options.stats };
  const stack = [frameOf(root, enterFolder(root, options) ?? NOTHING, options)];
  const untouched: UntouchedFound[] = [];
  const batch = (): readonly (readonly UntouchedFound[])[] => (untouched.length === 0 ? [] : [untouched.splice(0)]);
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
      const isSame = place.stats.dev === options.stats.dev && frame.memory?.isSameFolder(name, place.stats) === true;
      const before = isSame ? unlisted(place, frame, options) : undefined;
      const found = before === undefined ? enterFolder(place, options) : { names: before.names, isAll: true };
      if (found === undefined) continue;
      if (isSame) frame.memory?.noteAgain(index);
      else frame.memory?.note(index, ROWS.folder, place.stats);
      const entered = frameOf(place, found, options, before);
      stack.push(entered);
      if (!options.patterns.included(place.path, true)) continue;
      const together = isSame && !frame.pending;
      if (!together || untouched.length === MOST_AT_ONCE) yield* batch();
      if (together) {
        entered.pending = false;
        untouched.push({ ...place, type: "directory" });
      } else yield* flush(stack);
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
    if (same) untouched.push(found as UntouchedFound);
    else yield found;
  }
}

/** What is in a folder that looks as it did, where it need not be listed to know that. Whether it is a cache is decided by what its tag holds. */
function unlisted({ path }: Place, frame: Frame, { excludeCaches }: WalkOptions): FolderRecord | undefined {
  const before = frame.memory?.namesIn(path);
  return excludeCaches && before?.names.includes(CACHE_TAG) === true ? undefined : before;
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
  const { path, absolute } = pathsOf(folder, name);
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
