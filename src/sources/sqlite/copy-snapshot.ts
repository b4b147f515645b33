import { rmSync } from "node:fs";
import type { FileIdentity } from "../../kernel/index.ts";
import { throwIfStopped } from "../stop-signal.ts";
import { asBackupWrites } from "./as-backup-writes.ts";
import { pinTrouble } from "./confirm-pin.ts";
import type { DatabaseChild } from "./database-child.ts";
import { pinDatabase, type PinnedDatabase } from "./pin-database.ts";
import type { Pinned } from "./pin-protocol.ts";

/** A reader of a log waits only while another mends it, or holds all of it for itself. Milliseconds. */
const PATIENCE = 1000;

export interface SnapshotToCopy {
  readonly path: string;
  /** Read as one that nobody has open. */
  readonly cold: boolean;
  readonly identity: FileIdentity;
  /** Nothing is there yet. */
  readonly target: string;
  readonly busyTimeout: number;
  /** What is not copied by then never will be. Milliseconds. */
  readonly deadline: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * Copies a database from where its pages lie, while another process holds a snapshot of it, or nobody has it open: for as long
 * as that takes, which is a fraction of what backup() takes page by page. The copy has the bytes that backup() gives it. The child copies,
 * because the engine's own loop may be busy with a tree for longer than that.
 *
 * However large it is, and however far its log grows meanwhile: backup(), which would follow, holds a snapshot for longer.
 *
 * @returns undefined, with nothing at the target, when no snapshot can be had or it was not held to the end. The reason is
 *   told by SQLite's own way, which is to be gone then
 */
export async function copySnapshot(snapshot: SnapshotToCopy, child: DatabaseChild): Promise<Pinned | undefined> {
  const { path, busyTimeout, cold, deadline, signal, target } = snapshot;
  rmSync(target, { force: true });
  const pinned = await pinDatabase({
    path,
    busyTimeout: Math.min(busyTimeout, PATIENCE),
    modes: cold ? ["cold"] : ["wal", "rollback"],
    bounds: { duration: deadline, growth: Infinity, largest: Infinity },
    signal,
  });
  if (pinned === undefined) return undefined;
  let copied = false;
  try {
    copied = await isCopied(pinned, snapshot, child);
  } finally {
    pinned.watch[Symbol.dispose]();
    await pinned.snapshot.end();
    if (!copied) rmSync(target, { force: true });
  }
  // An interruption ends the snapshot, and is no reason to try another way.
  if (!copied) throwIfStopped(signal);
  return copied ? pinned.answer : undefined;
}

async function isCopied(pinned: PinnedDatabase, snapshot: SnapshotToCopy, child: DatabaseChild): Promise<boolean> {
  const { answer, spans, stats, watch } = pinned;
  const { identity, target, deadline, signal } = snapshot;
  if (stats.dev !== identity.device || stats.ino !== identity.inode) return false;
  // When the snapshot is let go of, nobody wants the copy any more.
  const written = await child.write(spans, target, deadline, signal);
  if (written !== answer.pages * answer.pageSize || (await pinTrouble(pinned)) !== undefined || watch.expired()) return false;
  asBackupWrites(target, answer);
  return true;
}
