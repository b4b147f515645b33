import type { BigIntStats } from "node:fs";
import { identityKey, identityOf } from "../kernel/index.ts";

export interface HardLinks {
  /** Path of an earlier name of the same file. */
  earlier(path: string, stats: BigIntStats): string | undefined;
}

/** Names of one file by device and inode. A file is forgotten once all its names were met. */
export function hardLinks(): HardLinks {
  const met = new Map<string, { readonly path: string; left: bigint }>();
  return {
    earlier(path, stats) {
      if (stats.nlink < 2n) return undefined;
      const key = identityKey(identityOf(stats));
      const first = met.get(key);
      if (first === undefined) {
        met.set(key, { path, left: stats.nlink - 1n });
        return undefined;
      }
      first.left -= 1n;
      if (first.left <= 0n) met.delete(key);
      return first.path;
    },
  };
}
