import { accessSync, constants, type BigIntStats } from "node:fs";
import { basename } from "node:path";
import { errnoOf, lstatAt } from "../kernel/index.ts";
import { damagedDatabase } from "./damaged-database.ts";
import type { Notes } from "./notes.ts";
import { hasDatabaseHeader, hasDatabaseName, hasLogBeside } from "./sniff.ts";
import { pause } from "./stop-signal.ts";

/** A database being created is empty with a journal beside it until its first commit: looked at again before it is called damaged. */
const LOOK_AGAIN = [100, 300, 600];

export interface FileToLookAt {
  /** Entry path. */
  readonly path: string;
  readonly absolute: string;
  readonly stats: BigIntStats;
  /** A name like that of its write-ahead log or journal was listed. */
  readonly logListed: boolean;
  readonly wasDatabase: boolean;
  /** It is as it was when it was found to be no database. */
  readonly untouched: boolean;
}

export interface SeenFile {
  readonly type: "file" | "database";
  readonly stats: BigIntStats;
}

/**
 * Whether a regular file inside a tree is a database; undefined when it cannot be read, which is noted.
 *
 * @throws CaptureError DATABASE_DAMAGED for what should be a database and is none
 */
export async function lookAtFile(file: FileToLookAt, notes: Notes, signal: AbortSignal | undefined): Promise<SeenFile | undefined> {
  let { stats } = file;
  if (!file.wasDatabase && !file.logListed && file.untouched) return { type: "file", stats };
  for (const wait of [...LOOK_AGAIN, undefined]) {
    const database = headerOf(file, stats, notes);
    if (database === undefined) return undefined;
    if (database) return { type: "database", stats };
    const suspicious = file.wasDatabase ? "header-lost" : file.logListed && hasLogBeside(file.absolute) ? "log-beside" : undefined;
    if (suspicious === undefined) {
      if (stats.size === 0n && hasDatabaseName(basename(file.absolute)))
        notes.warn(`"${file.path}" is named like a database and is empty: it is stored as an empty file`);
      return { type: "file", stats };
    }
    if (wait === undefined) throw damagedDatabase(file.absolute, stats.size === 0n ? "empty" : suspicious);
    await pause(wait, signal);
    const again = lstatAt(file.absolute);
    if (again === undefined || !again.isFile()) {
      notes.omit(file.path, "vanished", true);
      return undefined;
    }
    stats = again;
  }
  return undefined;
}

/** true for a database, false for another readable file, undefined when it cannot be read. */
function headerOf(file: FileToLookAt, stats: BigIntStats, notes: Notes): boolean | undefined {
  try {
    if (stats.size >= 16n) return hasDatabaseHeader(file.absolute);
    accessSync(file.absolute, constants.R_OK);
    return false;
  } catch (error) {
    const errno = errnoOf(error) ?? String(error);
    if (errno === "ENOENT") notes.omit(file.path, "vanished", true);
    else notes.omit(file.path, `Cannot be opened (${errno})`, false);
    return undefined;
  }
}
