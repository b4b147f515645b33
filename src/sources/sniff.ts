import { closeSync, constants, openSync, readSync, realpathSync, statSync } from "node:fs";
import { basename } from "node:path";
import { lstatAt } from "../kernel/index.ts";
import type { SourceKind } from "../vault/index.ts";

const MAGIC = Buffer.from("SQLite format 3\0", "latin1");
export const SIDECARS = ["-wal", "-shm", "-journal"] as const;

/**
 * The first bytes of a regular file; fewer when it is shorter. A FIFO that took the file's name does not hang it.
 * For the engine's process only: closing a descriptor of a database drops the locks its process holds on it.
 */
export function firstBytes(path: string, length: number): Buffer {
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const bytes = Buffer.alloc(length);
    let filled = 0;
    while (filled < length) {
      const read = readSync(descriptor, bytes, filled, length - filled, filled);
      if (read === 0) break;
      filled += read;
    }
    return bytes.subarray(0, filled);
  } finally {
    closeSync(descriptor);
  }
}

export function isDatabaseHeader(bytes: Uint8Array): boolean {
  return bytes.length >= MAGIC.length && MAGIC.equals(bytes.subarray(0, MAGIC.length));
}

export function hasDatabaseHeader(path: string): boolean {
  return isDatabaseHeader(firstBytes(path, MAGIC.length));
}

export function hasDatabaseName(name: string): boolean {
  return /\.(db|sqlite|sqlite3)$/i.test(name);
}

/** Whether a write-ahead log or a rollback journal lies beside a file: what only a database has. */
export function hasLogBeside(path: string): boolean {
  return ["-wal", "-journal"].some((suffix) => lstatAt(path + suffix)?.isFile() === true);
}

/**
 * What a path is, by what lies there: a folder is a tree, and what begins with SQLite's header is a database
 * whatever its name (openclaw#148796: a database named .db was copied raw). A file that only looks like a
 * database from outside (empty with such a name, or with a log beside it) is called one too, so that opening
 * it can say what is wrong with it (openclaw PR#113287: an empty database looked healthy).
 */
export function sniffKind(path: string): SourceKind {
  const real = realpathSync(path);
  const stats = statSync(real);
  if (stats.isDirectory()) return "tree";
  const name = basename(path);
  if (stats.isFile()) {
    if (hasDatabaseHeader(real) || hasLogBeside(real)) return "sqlite";
    if (stats.size === 0 && hasDatabaseName(name)) return "sqlite";
  }
  if (/\.json$/i.test(name)) return "json";
  return /\.(log|jsonl|ndjson)$/i.test(name) ? "log" : "file";
}
