import { readFileSync, rename, renameSync, rmSync, statSync, writeFile, writeFileSync } from "node:fs";
import { promisify } from "node:util";
import { bootId, isRunning, pidNamespace } from "../../kernel/index.ts";
import type { Seat } from "../lease-row.ts";
import { seatOfThisProcess } from "./liveness.ts";

export interface ProgressNote {
  readonly generation: number;
  /** Counts what the holder said. */
  readonly seq: number;
  readonly doing: string;
  readonly progress: number | null;
}

/** By callbacks: `node:fs/promises` takes longer to load than this file to write. */
const [writeLater, renameLater] = [promisify(writeFile), promisify(rename)];

/** Advisory, so neither synced nor waited for: nothing is decided by it. */
export async function writeProgress(path: string, note: ProgressNote): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  await writeLater(temporary, JSON.stringify(note), { mode: 0o600 });
  await renameLater(temporary, path);
}

export function readProgress(path: string, generation: number): (ProgressNote & { readonly at: string }) | null {
  const note = readJson(path) as ProgressNote | null;
  if (note?.generation !== generation) return null;
  const at = statSync(path, { throwIfNoEntry: false })?.mtime.toISOString();
  return at === undefined ? null : { ...note, at };
}

/** The irreversible step that a holder is inside of: what `break` says while it cannot have the lock. */
export interface FenceNote extends Seat {
  readonly generation: number;
  readonly label: string;
}

export function writeFence(path: string, generation: number, label: string): void {
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, JSON.stringify({ ...seatOfThisProcess(), generation, label } satisfies FenceNote), { mode: 0o600 });
  renameSync(temporary, path);
}

export function clearFence(path: string): void {
  rmSync(path, { force: true });
}

/** null when nobody is inside one: a note that its process died beside says nothing. */
export function readFence(path: string): FenceNote | null {
  const note = readJson(path) as FenceNote | null;
  if (note === null || note.boot_id !== bootId()) return null;
  // In another namespace its number means nothing here; that the lock cannot be had is what speaks for it.
  return note.pid_ns !== pidNamespace() || isRunning(note) ? note : null;
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return null;
  }
}
