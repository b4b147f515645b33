import { lchownSync } from "node:fs";
import { basename, dirname } from "node:path";
import { errnoOf, HeldFolder } from "../../kernel/index.ts";
import type { CopyRequest } from "./copy-protocol.ts";
import { unreadableDatabase } from "./copy-error.ts";
import { canWrite, databaseState, type DatabaseState } from "./database-state.ts";

/**
 * In whose name a database is opened. A rollback-mode one is only read. A warm write-ahead log is opened only by an
 * account that may write its -shm, because a reader writes there too; root takes the owner's ids.
 *
 * @throws CaptureError COMPONENT_UNREADABLE when this account would leave sidecars that the runtime cannot write
 */
export function openingAccount(path: string, state: DatabaseState): CopyRequest["as"] {
  if (!state.wal) return null;
  const owner = state.sidecars.get("-shm") ?? state.sidecars.get("-wal") ?? state.stats;
  const own = process.geteuid?.() ?? 0;
  if (own === 0) return owner.uid === 0n ? null : { uid: Number(owner.uid), gid: Number(owner.gid) };
  const may = state.sidecars.has("-shm") ? canWrite(`${path}-shm`) : owner.uid === BigInt(own);
  if (may) return null;
  throw unreadableDatabase(path, state, 'it may not write its "-shm" file, which readers of a write-ahead log do');
}

/**
 * Sidecars belong to whom they belonged before, or to the database's owner. As root SQLite hands a sidecar to the
 * database's owner even when the runtime is somebody else, and one made by root would stop the runtime.
 *
 * @returns what could not be put right
 */
export function keepOwners(path: string, before: DatabaseState): string[] {
  const own = BigInt(process.geteuid?.() ?? 0);
  const problems: string[] = [];
  for (const [suffix, now] of databaseState(path)?.sidecars ?? []) {
    const earlier = before.sidecars.get(suffix);
    const same = earlier !== undefined && earlier.ino === now.ino;
    const wanted = same ? earlier : now.uid === own ? before.stats : now;
    if (now.uid === wanted.uid && (!same || now.gid === wanted.gid)) continue;
    try {
      // Through the folder as it is, without a link on the way: root must not give away a file that lies elsewhere.
      using folder = HeldFolder.open(dirname(path));
      lchownSync(folder.at(`${basename(path)}${suffix}`), Number(wanted.uid), Number(wanted.gid));
    } catch (error) {
      if (errnoOf(error) === "ENOENT") continue;
      problems.push(
        `"${path}${suffix}" belongs to uid ${now.uid} now, and the database to uid ${wanted.uid}: its application may fail to open it`,
      );
    }
  }
  return problems;
}
