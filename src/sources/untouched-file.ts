import type { Stats } from "node:fs";
import { glanceAt } from "../kernel/index.ts";
import { belongsToDatabase } from "./belongs-to-database.ts";
import { pathsOf, type Frame } from "./walk-frame.ts";
import type { UntouchedFile, WalkOptions } from "./walk.ts";

/**
 * What nearly everything of a large tree that has hardly changed is. The rules are those of the last walk, which let in a file that looked
 * the same; what they decide by its neighbours is asked once more.
 */
export function untouchedFile(frame: Frame, name: string, device: number, { raw, remembered }: WalkOptions): UntouchedFile | undefined {
  const { memory } = frame;
  if (memory === undefined || raw !== null || !memory.hadFile(name) || frame.logged.has(name)) return undefined;
  const { path, absolute } = pathsOf(frame.folder, name);
  if (remembered.has(path) || belongsToDatabase(path, name, frame, raw)) return undefined;
  const look = glance(absolute);
  if (look?.nlink !== 1 || look.dev !== device || !memory.isUntouched(name, look)) return undefined;
  return { path, absolute, size: look.size };
}

/** What cannot be looked at is told when it is looked at for good. */
function glance(absolute: string): Stats | undefined {
  try {
    return glanceAt(absolute);
  } catch {
    return undefined;
  }
}
