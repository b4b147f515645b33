import { lstatSync, statSync, type BigIntStats } from "node:fs";
import { errnoOf } from "./errors.ts";

/** Device and inode: what a file is, whatever it is called. */
export interface FileIdentity {
  readonly device: bigint;
  readonly inode: bigint;
}

export function identityOf(stats: BigIntStats): FileIdentity {
  return { device: stats.dev, inode: stats.ino };
}

/** A key for sets and maps of files. */
export function identityKey(identity: FileIdentity): string {
  return `${identity.device}:${identity.inode}`;
}

/** The identity at a path, links followed; undefined when nothing is there. */
export function identityAt(path: string): FileIdentity | undefined {
  const stats = present(() => statSync(path, { bigint: true, throwIfNoEntry: false }));
  return stats === undefined ? undefined : identityOf(stats);
}

/** lstat with nanoseconds; undefined when nothing is there. */
export function lstatAt(path: string): BigIntStats | undefined {
  return present(() => lstatSync(path, { bigint: true, throwIfNoEntry: false }));
}

/** Nothing is below a file either, and that one is thrown where the other is not. */
function present(stat: () => BigIntStats | undefined): BigIntStats | undefined {
  try {
    return stat();
  } catch (error) {
    if (errnoOf(error) === "ENOTDIR") return undefined;
    throw error;
  }
}
