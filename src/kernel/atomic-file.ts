import { closeSync, fsyncSync, linkSync, mkdirSync, openSync, renameSync, rmSync, statSync, unlinkSync } from "node:fs";
import { writeFully } from "./write-fully.ts";
import { randomBytes } from "node:crypto";
import { basename, dirname, join, resolve } from "node:path";
import { errnoOf } from "./errors.ts";
import { lstatAt } from "./file-identity.ts";

/** fsync of a folder, so that a rename inside it survives a power cut. */
export function syncFolder(folder: string): void {
  const descriptor = openSync(folder, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** mkdir -p with 0700 whose new folders survive a power cut. */
export function makeFolder(folder: string, mode = 0o700): void {
  makeBelow(resolve(folder), mode);
}

/**
 * One folder after the other: Node's own recursive mkdir asks for ever where a file system answers ENOENT to a folder
 * whose parent is there, as /proc does.
 */
function makeBelow(folder: string, mode: number): void {
  try {
    makeOne(folder, mode);
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw error;
    // Another thread may be making the same: its parent may have come between the two looks, and then it is tried once more as well.
    if (lstatAt(dirname(folder)) === undefined) makeBelow(dirname(folder), mode);
    makeOne(folder, mode);
  }
}

function makeOne(folder: string, mode: number): void {
  try {
    mkdirSync(folder, { mode });
  } catch (error) {
    // Somebody else may be making it at this moment.
    if (errnoOf(error) === "EEXIST" && statSync(folder).isDirectory()) return;
    throw error;
  }
  syncFolder(dirname(folder));
}

function writeDurably(path: string, data: string | Uint8Array, mode: number): void {
  const descriptor = openSync(path, "wx", mode);
  try {
    const bytes = typeof data === "string" ? Buffer.from(data) : data;
    writeFully(descriptor, bytes);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** The name is there for whoever finds one left behind; 60 characters of any script leave room below the 255 bytes of a name. */
function temporaryBeside(path: string): string {
  return join(dirname(path), `.${basename(path).slice(0, 60)}.${randomBytes(6).toString("hex")}.tmp`);
}

/** Replaces a file whole: a reader sees the old content or the new, also after a power cut. */
export function replaceFile(path: string, data: string | Uint8Array, mode = 0o600, beforePublish?: () => void): void {
  const temporary = temporaryBeside(path);
  try {
    writeDurably(temporary, data, mode);
    beforePublish?.();
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  syncFolder(dirname(path));
}

/**
 * Creates a file whole, or not at all when the name is taken.
 *
 * @returns false when the name was taken
 */
export function createFile(path: string, data: string | Uint8Array, mode = 0o600, beforePublish?: () => void): boolean {
  const temporary = temporaryBeside(path);
  try {
    writeDurably(temporary, data, mode);
    beforePublish?.();
    linkSync(temporary, path);
  } catch (error) {
    if (errnoOf(error) === "EEXIST") return false;
    throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
  syncFolder(dirname(path));
  return true;
}

/** Removes a file so that it stays removed; nothing happens when it is not there. */
export function removeFile(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw error;
    return;
  }
  syncFolder(dirname(path));
}
