import { chmodSync, lchownSync, lutimesSync } from "node:fs";
import { errnoOf, lstatAt } from "../../kernel/index.ts";
import type { FolderState, JournaledFolder } from "./journal.ts";

export function folderStateOf(path: string): FolderState | null {
  const stats = lstatAt(path);
  if (stats === undefined) return null;
  return { mode: Number(stats.mode & 0o7777n), uid: Number(stats.uid), gid: Number(stats.gid), mtime_ns: String(stats.mtimeNs) };
}

/** Deepest first. An owner that cannot be given was refused before, or is not wanted. */
export function applyFolders(folders: readonly JournaledFolder[], which: "before" | "after"): void {
  for (const folder of folders.toReversed()) {
    const state = folder[which];
    const now = folderStateOf(folder.live);
    if (now === null) continue;
    if (now.uid !== state.uid || now.gid !== state.gid) lchownSync(folder.live, state.uid, state.gid);
    if (now.mode !== state.mode) chmodSync(folder.live, state.mode);
    const seconds = Number(BigInt(state.mtime_ns) / 1000n) / 1e6;
    try {
      lutimesSync(folder.live, seconds, seconds);
    } catch (error) {
      // Times of a folder that somebody else owns are theirs: nothing is lost with them.
      if (errnoOf(error) !== "EPERM") throw error;
    }
  }
}
