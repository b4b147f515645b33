import {
  closeSync,
  constants,
  cpSync,
  fchmodSync,
  fchownSync,
  futimesSync,
  lchownSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  openSync,
  symlinkSync,
} from "node:fs";
import { join } from "node:path";
import { errnoOf } from "../kernel/index.ts";
import type { Entry } from "../vault/index.ts";
import { seconds } from "./write-file.ts";

export interface WriteOptions {
  /** Give files to their recorded owners; needs the right to. */
  readonly owners: boolean;
}

/** A folder whose mode, owner and times are set at the end, when nothing is written into it any more. */
export type PendingFolder = readonly [path: string, entry: Entry];

/** A folder that nothing but its owner can look into until it is finished. */
export function writeFolder(path: string, entry: Entry): PendingFolder {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  return [path, entry];
}

/** Links come after everything else: nothing is ever written through one. */
export function writeLink(path: string, entry: Entry, options: WriteOptions): void {
  symlinkSync(entry.target ?? "", path);
  if (options.owners) lchownSync(path, entry.uid, entry.gid);
  lutimesSync(path, seconds(entry.mtime_ns), seconds(entry.mtime_ns));
}

/** Another name of a file that is written; on another file system, as below a mount point, a copy of it. */
export function writeHardLink(path: string, first: string): void {
  try {
    linkSync(first, path);
  } catch (error) {
    if (errnoOf(error) !== "EXDEV") throw error;
    cpSync(first, path, { preserveTimestamps: true, errorOnExist: true });
  }
}

/** Deepest first, so that setting a parent's time is not undone by its child. */
export function finishFolders(folders: readonly PendingFolder[], options: WriteOptions): void {
  for (const [path, entry] of folders.toReversed()) {
    const descriptor = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    try {
      if (options.owners) fchownSync(descriptor, entry.uid, entry.gid);
      fchmodSync(descriptor, entry.mode & 0o3777);
      futimesSync(descriptor, seconds(entry.mtime_ns), seconds(entry.mtime_ns));
    } finally {
      closeSync(descriptor);
    }
  }
}

/** Where an entry lies below a backup's top: the folder of a tree holds it, a single file is named by `storedAs` itself. */
export function placeOf(top: string, storedAs: string, tree: boolean, path: string): string {
  if (!tree) return join(top, storedAs);
  return path === "." ? join(top, storedAs) : join(top, storedAs, path);
}
