import type { BigIntStats } from "node:fs";

/**
 * A change so shortly before a backup may hide a later one behind the same time: a page that is written through a mapping
 * keeps the time of its first write until the kernel has flushed it, which it does within a minute. Milliseconds.
 */
const SETTLED = 120_000;
/** Writes through a mapping leave no time behind: everything is read again after so long. Milliseconds. */
const READ_AGAIN: number = 7 * 24 * 60 * 60 * 1000;

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

/** What a reading left for the next one. */
export interface KnownRecords {
  /** What it gave in the end (Reading.memory). */
  readonly head: Uint8Array;
  /** What it wrote down before. @returns undefined when that cannot be read */
  read(position: number, length: number): Uint8Array | undefined;
}

/** Takes what a reading wants to leave for the next one, while it reads: of a large tree that would fill the memory. */
export interface RecordSink {
  /** @returns the position of its first byte */
  append(bytes: Uint8Array): number;
}

/** What a vault knows of a component from the backup that it compares with: that need not be read, it is named again where it lies. */
export interface KnownState {
  /** Of the manifest of that backup: what else is told of what is known is what that manifest says. undefined when there is none. */
  readonly manifestSha256: string | undefined;
  /** What the reading for that backup, or for one since that is the same, left for the next one. */
  readonly memory: KnownRecords | undefined;
  /** For the one that asks, in place of what another one of this component has left there. */
  newRecords(): RecordSink;
  /** All of it may be named again: a reading that finds nothing touched may say so (Reading.untouched). */
  readonly whole: boolean;
  /** Whether a database looks as it did when it was copied: with `whole`, enough to say that it is untouched. */
  isDatabaseSame(path: string, look: DatabaseLook): boolean;
  /** The same, and what was stored of it may be named again: it may be given as known. */
  hasDatabase(path: string, look: DatabaseLook): boolean;
}

export function fileLook({ ino, size, mtimeNs, ctimeNs }: BigIntStats): FileLook {
  return { inode: ino, size: Number(size), mtimeNs, ctimeNs };
}

export function isSameLook(one: FileLook, other: FileLook): boolean {
  return one.inode === other.inode && one.size === other.size && one.mtimeNs === other.mtimeNs && one.ctimeNs === other.ctimeNs;
}

/** The latest time of a change that a look at `begun` tells from every later one. Nanoseconds since the epoch. */
export function settledBefore(begun: number): bigint {
  return BigInt(Math.floor(begun) - SETTLED) * 1_000_000n;
}

/** Whether what was read then need not be read now. A clock that went backwards does not tell. @param within milliseconds */
export function isRecentlyRead(readAt: number, now: number, within: number = READ_AGAIN): boolean {
  return now >= readAt && now - readAt < within;
}
