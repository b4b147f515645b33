import { errnoOf, lstatAt } from "../../kernel/index.ts";
import { stillCold } from "./cold-database.ts";
import { databaseState } from "./database-state.ts";
import type { PinnedDatabase } from "./pin-database.ts";
import { FRAME_HEADER, WAL_HEADER, walHeader } from "./scan-wal.ts";

/**
 * Why what was taken from a pinned database must be thrown away; undefined when it is its snapshot. Asked after the last
 * byte was taken: a log that is begun anew between a check and a read gives pages of another state.
 */
export async function pinTrouble(pinned: PinnedDatabase): Promise<string | undefined> {
  const held = await pinned.snapshot.ask({ kind: "held" });
  if (held === undefined) return "the process that held its snapshot has ended";
  if (!held.ok) return held.message;
  try {
    return troubleInFiles(pinned);
  } catch (error) {
    const errno = errnoOf(error) ?? "";
    if (!/^E[A-Z0-9]+$/.test(errno)) throw error;
    return `it cannot be looked at any more (${errno})`;
  }
}

function troubleInFiles({ path, stats, log, file, cold, answer }: PinnedDatabase): string | undefined {
  const now = lstatAt(path);
  if (now === undefined || now.dev !== stats.dev || now.ino !== stats.ino) return "it was replaced";
  if (cold !== null) return stillCold(cold, databaseState(path)) ? undefined : "it was opened, or written to";
  if (log === null) {
    // Nothing may be put into the file beyond the snapshot, and the whole snapshot was there.
    return now.size === file.size && now.mtimeNs === file.mtimeNs ? undefined : "the file was written to beyond its snapshot";
  }
  if (now.size < file.size && Number(now.size) < answer.pages * answer.pageSize) return "the file was cut short";
  const header = walHeader(`${path}-wal`);
  if (header === undefined || header.header !== log.header) return "its log was begun anew";
  if (header.identity.device !== log.identity.device || header.identity.inode !== log.identity.inode) return "its log was replaced";
  const taken = WAL_HEADER + log.frames * (FRAME_HEADER + answer.pageSize);
  return header.size < taken ? "its log was cut short" : undefined;
}
