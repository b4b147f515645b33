import type { BigIntStats } from "node:fs";
import type { EntryHead } from "../vault/index.ts";
import { groupName, userName } from "./account-names.ts";

/** What a file system says of one thing, in the form of an entry. */
export function headOf(path: string, type: EntryHead["type"], stats: BigIntStats): EntryHead {
  const uid = Number(stats.uid);
  const gid = Number(stats.gid);
  const user = userName(uid);
  const group = groupName(gid);
  // Below a block a file system may keep the bytes in the inode, which is no hole.
  const sparse = type === "file" && stats.size > 4096n && stats.blocks * 512n < stats.size;
  return {
    path,
    type,
    mode: Number(stats.mode & 0o7777n),
    uid,
    gid,
    ...(user === undefined ? {} : { user }),
    ...(group === undefined ? {} : { group }),
    mtime_ns: stats.mtimeNs.toString(),
    size: type === "file" ? Number(stats.size) : 0,
    ...(sparse ? { sparse } : {}),
  };
}
