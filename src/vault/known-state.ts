import type { BigIntStats } from "node:fs";

/** What a look at a file says that every write to it changes, but one through a mapping. */
export interface FileLook {
  readonly inode: bigint;
  /** Bytes. */
  readonly size: number;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
}

/** The same of a database and its write-ahead log; null when there is none, or an empty one. */
export interface DatabaseLook {
  readonly file: FileLook;
  readonly log: FileLook | null;
}

/**
 * What a vault knows of a component from the backup that it compares with. Whatever it has need not be read: it is named
 * again where it lies.
 */
export interface KnownState {
  /** Of the manifest of that backup: what else is told of a known database is what that manifest says. */
  readonly manifestSha256: string;
  hasFile(path: string, look: FileLook): boolean;
  hasDatabase(path: string, look: DatabaseLook): boolean;
}

export function fileLook({ ino, size, mtimeNs, ctimeNs }: BigIntStats): FileLook {
  return { inode: ino, size: Number(size), mtimeNs, ctimeNs };
}

export function isSameLook(one: FileLook, other: FileLook): boolean {
  return one.inode === other.inode && one.size === other.size && one.mtimeNs === other.mtimeNs && one.ctimeNs === other.ctimeNs;
}
