import { mkdirSync, readdirSync, renameSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import {
  ConflictError,
  crashpoint,
  errnoOf,
  lstatAt,
  makeFolder,
  namedSystemError,
  syncFileSystem,
  syncFolder,
  UsageError,
} from "../kernel/index.ts";

/** Everything is written here first; while it exists the restore is not complete. */
const UNFINISHED = ".holdfast-unfinished-restore";

/** A folder that receives a restore: empty before, whole afterwards, and marked as unfinished in between. */
export interface TargetFolder {
  /** Where to write. */
  readonly building: string;
  /** Puts everything in its place; after this the restore is on disk. */
  publish(): Promise<void>;
  /** After a failure: takes away what holds no byte, and the folder with it when it was made here and is empty. */
  abandon(): void;
}

/** Where the rest of a restore lies that did not finish; undefined when there is none. */
export function unfinishedIn(folder: string): string | undefined {
  const building = join(folder, UNFINISHED);
  return lstatAt(building) === undefined ? undefined : building;
}

/** @throws ConflictError TARGET_NOT_EMPTY when the folder holds anything */
export function openTargetFolder(folder: string): TargetFolder {
  try {
    return open(folder);
  } catch (error) {
    throw namedSystemError(error, `restore into "${folder}"`);
  }
}

function open(folder: string): TargetFolder {
  // A link in a folder that others write to would let them choose where the state goes.
  const there = lstatAt(folder);
  if (there?.isSymbolicLink() === true)
    throw new UsageError("USAGE", `The target "${folder}" is a link`, { hint: "Name the folder that it leads to; nothing was changed" });
  if (there?.isDirectory() === false)
    throw new UsageError("USAGE", `The target "${folder}" is not a folder`, {
      hint: "Give a folder that is empty or does not exist; nothing was changed",
    });
  makeFolder(folder);
  const present = readdirSync(folder);
  if (present.includes(UNFINISHED)) {
    throw new ConflictError("TARGET_NOT_EMPTY", `The target folder "${folder}" holds a restore that did not finish`, {
      hint: `Remove it first: rm -r ${JSON.stringify(folder)}`,
    });
  }
  if (present.length > 0) {
    throw new ConflictError("TARGET_NOT_EMPTY", `The target folder "${folder}" is not empty`, {
      hint: "Give a folder that is empty or does not exist; nothing was changed",
    });
  }
  const building = join(folder, UNFINISHED);
  try {
    mkdirSync(building, { mode: 0o700 });
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") throw error;
    throw new ConflictError("TARGET_NOT_EMPTY", `Another restore writes into "${folder}"`, { cause: error });
  }
  return {
    building,
    publish: async () => {
      await syncFileSystem(building);
      crashpoint("restore-before-publish");
      for (const name of readdirSync(building)) renameSync(join(building, name), join(folder, name));
      rmdirSync(building);
      syncFolder(folder);
    },
    abandon: () => {
      try {
        if (lstatAt(building) !== undefined && !holdsBytes(building)) rmSync(building, { recursive: true });
        if (there === undefined) rmdirSync(folder);
      } catch {
        // Not empty, or not to be changed any more: it stays, and the failure that led here is what is told.
      }
    },
  };
}

/** Whether anything but folders and empty files is there. */
function holdsBytes(folder: string): boolean {
  return readdirSync(folder, { withFileTypes: true }).some((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? holdsBytes(path) : !entry.isFile() || (lstatAt(path)?.size ?? 0n) > 0n;
  });
}
