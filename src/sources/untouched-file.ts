import { belongsToDatabase } from "./belongs-to-database.ts";
import type { Frame } from "./walk-frame.ts";
import type { Found, Place, WalkOptions } from "./walk.ts";

/**
 * What nearly everything of a large tree that has hardly changed is: the rules of the walk are those of the last one, which let in a file that looked
 * the same. What they decide by its neighbours is asked once more; and patterns, which want to see every path to tell those that match nothing.
 */
export function untouchedFile(
  place: Place,
  name: string,
  frame: Frame,
  { raw, remembered, patterns, stats: { dev } }: WalkOptions,
): Found | undefined {
  const { path, absolute, stats } = place;
  if (frame.memory === undefined || raw !== null || stats.nlink !== 1n || stats.dev !== dev) return undefined;
  // That it is a file was looked at the last time.
  if (!frame.memory.isUntouched(name, stats) || frame.logged.has(name) || belongsToDatabase(path, name, frame, raw)) return undefined;
  if (remembered.size > 0 && remembered.has(path)) return undefined;
  if (patterns.excluded(path, false) || !patterns.included(path, false)) return undefined;
  return { path, absolute, stats, type: "file", linkTo: undefined, untouched: true };
}
