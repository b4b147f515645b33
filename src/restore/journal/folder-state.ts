import { HeldFolder, lstatAt } from "../../kernel/index.ts";
import type { FolderState, JournaledFolder } from "./journal.ts";

export function folderStateOf(path: string): FolderState | null {
  const stats = lstatAt(path);
  if (stats === undefined) return null;
  return { mode: Number(stats.mode & 0o7777n), uid: Number(stats.uid), gid: Number(stats.gid), mtime_ns: String(stats.mtimeNs) };
}

/** Deepest first. An owner that cannot be given was refused before, or is not wanted. */
export function applyFolders(folders: readonly JournaledFolder[], which: "before" | "after"): void {
  for (const folder of folders.toReversed()) {
    if (folderStateOf(folder.live) === null) continue;
    const { mode, uid, gid, mtime_ns: time } = folder[which];
    using held = HeldFolder.open(folder.live);
    held.change({ mode, uid, gid, seconds: Number(BigInt(time) / 1000n) / 1e6 });
  }
}
