import { accessSync, constants, realpathSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { errnoOf, lstatAt } from "../../kernel/index.ts";

/** Where a path leads when its own links are followed; what is not there yet keeps its name below the real place of what is. */
export function realPlace(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    if (errnoOf(error) !== "ENOENT" || path === dirname(path)) throw error;
    return join(realPlace(dirname(path)), basename(path));
  }
}

/** Whether names in a folder may be changed: a rename needs the right to write to both parents, not to what is renamed. */
export function mayRenameIn(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The nearest folder above a place that is there. */
export function nearestFolder(place: string): string {
  const parent = dirname(place);
  return lstatAt(parent) === undefined && parent !== place ? nearestFolder(parent) : parent;
}
