import { lstatAt } from "../kernel/index.ts";
import { hasDatabaseHeader, SIDECARS } from "./sniff.ts";
import type { Frame } from "./walk-frame.ts";
import type { WalkOptions } from "./walk.ts";

/** `-wal`, `-shm` and `-journal` of a database are never stored as files: its copy holds what they say. */
export function belongsToDatabase(
  path: string,
  name: string,
  frame: Pick<Frame, "folder" | "databases" | "leftOut">,
  raw: WalkOptions["raw"],
): boolean {
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
