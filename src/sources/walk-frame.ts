import type { FolderNames } from "./enter-folder.ts";
import { FolderMemory } from "./memory/folder-memory.ts";
import type { FolderRecord } from "./memory/tree-memory.ts";
import type { Place, WalkOptions } from "./walk.ts";

/** A folder that a walk is in. */
export interface Frame {
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

/** @param before what the folder was, where that is what the names are taken from */
export function frameOf(folder: Place, found: FolderNames, { memory }: WalkOptions, before?: FolderRecord): Frame {
  const { names } = found;
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
    memory: memory === undefined ? undefined : new FolderMemory(memory, folder.path, found, before),
  };
}

export function pathsOf(folder: Place, name: string): Pick<Place, "path" | "absolute"> {
  const path = folder.path === "." ? name : `${folder.path}/${name}`;
  return { path, absolute: `${folder.absolute === "/" ? "" : folder.absolute}/${name}` };
}
