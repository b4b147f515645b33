import type { BigIntStats } from "node:fs";
import { CurrentFolder, errnoOf, lstatAt } from "../../kernel/index.ts";
import { isRecentlyRead } from "../../vault/index.ts";
import { namesIn } from "../names-in.ts";
import { ROWS } from "./rows.ts";
import { joinNames, rootLook, type FolderRecord, type RememberedFolder, type TreeMemory } from "./tree-memory.ts";

export interface Recheck {
  /** Of the tree: absolute, and how it looks. */
  readonly root: string;
  readonly stats: BigIntStats;
  readonly now: number;
  /** The file system keeps the times of folders: a name that comes or goes changes those of its folder. */
  readonly keepsTimes: boolean;
  /** Whether a database is as it was. @param path entry path */
  readonly isKnown: (absolute: string, path: string) => boolean;
}

/**
 * Whether every name of a tree is there as it was the last time and no other, so that a walk would find what the last one
 * found. Looks at everything, opens nothing, and ends at the first difference. A folder that looks as it did is not listed again: it
 * was looked at among the names of the folder above, which comes before it.
 */
export function isUntouched(memory: TreeMemory, recheck: Recheck): boolean {
  if (!memory.plain || memory.root !== rootLook(recheck.stats) || recheck.stats.ctimeNs >= memory.settled) return false;
  try {
    using current = new CurrentFolder();
    return memory.folders.every((folder) => isSameFolder(folder, memory, recheck, current));
  } catch (error) {
    // What cannot be listed or looked at is told by the walk.
    if (errnoOf(error) === undefined) throw error;
    return false;
  }
}

function isSameFolder(folder: RememberedFolder, { settled }: TreeMemory, recheck: Recheck, current: CurrentFolder): boolean {
  const {
    root,
    stats: { dev },
    now,
    keepsTimes,
    isKnown,
  } = recheck;
  const absolute = folder.path === "." ? root : `${root}/${folder.path}`;
  const record = folder.read();
  if (record === undefined || (!keepsTimes && !isListed(absolute, record))) return false;
  const { names, rows } = record;
  const here = current.enter(absolute);
  let row = 0;
  for (const name of names) {
    const stats = lstatAt(here + name);
    if (stats === undefined || stats.dev !== dev) return false;
    const kind = rows.kind(row);
    if (kind === ROWS.leftOut || kind === ROWS.leftOutFolder) {
      if (stats.isDirectory() !== (kind === ROWS.leftOutFolder)) return false;
    } else if (kind === ROWS.database) {
      if (!isKnown(`${absolute}/${name}`, folder.path === "." ? name : `${folder.path}/${name}`)) return false;
    } else if (!rows.isSame(row, stats, settled) || (kind !== ROWS.link && !isRecentlyRead(rows.readAt(row), now))) return false;
    row += 1;
  }
  return true;
}

function isListed(absolute: string, record: FolderRecord): boolean {
  const { names, foreign } = namesIn(absolute);
  return foreign.length === 0 && joinNames(names) === joinNames(record.names);
}
