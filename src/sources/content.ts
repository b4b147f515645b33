import type { BigIntStats } from "node:fs";
import { InternalError, lstatAt } from "../kernel/index.ts";
import type { Content, DatabaseLook } from "../vault/index.ts";

/** The user's own file, as it was seen. */
export function liveContent(
  path: string,
  stats: BigIntStats,
  appending: boolean,
  length: number = Number(stats.size),
): Extract<Content, { kind: "live" }> {
  return {
    kind: "live",
    span: { kind: "file", path, device: stats.dev, inode: stats.ino, offset: 0, length },
    mtimeNs: stats.mtimeNs,
    ctimeNs: stats.ctimeNs,
    appending,
  };
}

/** A copy of our own, whole, which the vault may take. */
export function stagedContent(path: string, look?: DatabaseLook): { readonly content: Content; readonly size: number } {
  const stats = lstatAt(path);
  if (stats === undefined) throw new InternalError(`The staged copy "${path}" is gone`);
  const size = Number(stats.size);
  return {
    content: {
      kind: "staged",
      spans: [{ kind: "file", path, device: stats.dev, inode: stats.ino, offset: 0, length: size }],
      movable: true,
      ...(look === undefined ? {} : { look }),
    },
    size,
  };
}

/** Names whose files only grow. */
export function isLogName(name: string): boolean {
  return /\.(log|jsonl|ndjson)$/i.test(name);
}
