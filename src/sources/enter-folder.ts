import { lstatSync, type BigIntStats } from "node:fs";
import { errnoOf, lstatAt } from "../kernel/index.ts";
import { CACHE_TAG, isCacheFolder } from "./cache-folder.ts";
import { namesIn, showBytes, type Names } from "./names-in.ts";
import type { Place, WalkOptions } from "./walk.ts";

/** The names in a folder that may be walked, sorted. */
export interface FolderNames {
  readonly names: readonly string[];
  /** Nothing else is in it: no name that is not UTF-8, and nothing that could not, or need not, be listed. */
  readonly isAll: boolean;
}

type Listed = Names & { readonly isAll: boolean };

const NOTHING: Listed = { names: [], foreign: [], isAll: false };

/** undefined when the folder is not to be an entry at all. */
export function enterFolder(place: Place, options: WalkOptions): FolderNames | undefined {
  const found = listFolder(place, options);
  for (const bytes of found?.foreign ?? []) noteForeign(place, bytes, options);
  return found;
}

function listFolder(place: Place, options: WalkOptions): Listed | undefined {
  const { notes } = options;
  if (options.oneFileSystem && place.stats.dev !== options.stats.dev) {
    notes.omit(place.path, "Lies on another file system: the folder is kept, its content is not", true);
    return NOTHING;
  }
  let names: Names;
  try {
    names = namesIn(place.absolute);
  } catch (error) {
    const errno = errnoOf(error) ?? String(error);
    if (errno === "ENOENT") notes.omit(place.path, "vanished", true);
    else notes.omit(place.path, `Cannot be listed (${errno})`, false);
    return errno === "ENOENT" ? undefined : NOTHING;
  }
  // A folder swapped for a link after lstat would lead the walk out of the tree.
  const again = lstatAt(place.absolute);
  if (again === undefined) {
    notes.omit(place.path, "vanished", true);
    return undefined;
  }
  if (again.ino !== place.stats.ino || again.dev !== place.stats.dev) {
    notes.omit(place.path, "Was replaced while it was listed", false);
    return undefined;
  }
  if (options.excludeCaches && names.names.includes(CACHE_TAG) && isCacheFolder(place.absolute)) {
    if (place.path === ".") {
      // Who declares a cache wants it: an empty backup of it would look like success.
      notes.warn("The component's own folder is marked as a cache (CACHEDIR.TAG) and is captured all the same");
      return { ...names, isAll: names.foreign.length === 0 };
    }
    notes.omit(place.path, "Is a cache folder (CACHEDIR.TAG): the folder and its tag are kept, its content is not", true);
    return { names: [CACHE_TAG], foreign: [], isAll: false };
  }
  return { ...names, isAll: names.foreign.length === 0 };
}

/** No entry can carry a name that is not UTF-8; patterns see it with replacement characters. */
function noteForeign(folder: Place, name: Buffer, options: WalkOptions): void {
  const prefix = folder.path === "." ? "" : `${folder.path}/`;
  const path = Buffer.concat([Buffer.from(`${folder.absolute}/`), name]);
  let stats: BigIntStats | undefined;
  try {
    stats = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  } catch {
    // Not to be looked at: it is listed as an omission below.
  }
  const directory = stats?.isDirectory() === true;
  const shown = prefix + name.toString("utf8");
  if (options.patterns.excluded(shown, directory)) return;
  if (!directory && !options.patterns.included(shown, directory)) return;
  options.notes.omit(prefix + showBytes(name), "Has a name that is not UTF-8", false);
}
