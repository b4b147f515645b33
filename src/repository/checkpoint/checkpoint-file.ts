import { mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DamageError, errnoOf, lstatAt, syncFiles } from "../../kernel/index.ts";
import type { EpochKey, VaultKeys } from "../keys/epoch-key.ts";
import { readBackupFile, writeBackupFile } from "../manifest/backup-file.ts";
import type { PackTable } from "../manifest/pack-table.ts";
import { decodeRoots, encodeRoots, type ComponentRoot } from "../tree/roots.ts";

/** Beside the backups, and never listed as one. */
export const CHECKPOINT_FOLDER = "partial";

/** What a backup that was not finished had stored so far: the same document as that of a backup, and a hint. */
export interface Checkpoint {
  /** Milliseconds since the epoch. */
  readonly takenAt: number;
  readonly packs: PackTable;
  readonly roots: readonly ComponentRoot[];
}

function checkpointPath(folder: string): string {
  return join(folder, CHECKPOINT_FOLDER, "checkpoint.backup");
}

/**
 * Puts it in place of the one before. What it names must be on disk.
 *
 * @param folder of the vault
 */
export async function writeCheckpoint(folder: string, key: EpochKey, { takenAt, packs, roots }: Checkpoint): Promise<void> {
  const path = checkpointPath(folder);
  mkdirSync(join(folder, CHECKPOINT_FOLDER), { recursive: true, mode: 0o700 });
  rmSync(`${path}.new`, { force: true });
  const manifest = Buffer.from(`${JSON.stringify({ checkpoint: "1", at: takenAt })}\n`);
  writeBackupFile(`${path}.new`, key, { manifest, packs, roots: encodeRoots(roots) });
  await syncFiles([`${path}.new`]);
  renameSync(`${path}.new`, path);
  await syncFiles([join(folder, CHECKPOINT_FOLDER), folder]);
}

/** undefined when there is none that can be read: then everything is stored, as it would be without. */
export function readCheckpoint(folder: string, keys: VaultKeys): Checkpoint | undefined {
  const path = checkpointPath(folder);
  if (lstatAt(path) === undefined) return undefined;
  try {
    const { manifest, packs, roots } = readBackupFile(path, keys, ["manifest", "packs", "roots"]);
    const { at } = JSON.parse(Buffer.from(manifest).toString("utf8")) as { readonly at?: unknown };
    return { takenAt: typeof at === "number" ? at : 0, packs, roots: decodeRoots(roots) };
  } catch (error) {
    if (error instanceof DamageError || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

export function removeCheckpoint(folder: string): void {
  try {
    rmSync(join(folder, CHECKPOINT_FOLDER), { recursive: true, force: true });
  } catch (error) {
    // What is left of it is looked at again with the next backup.
    if (errnoOf(error) === undefined) throw error;
  }
}
