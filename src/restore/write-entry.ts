import {
  chmodSync,
  closeSync,
  ftruncateSync,
  fchmodSync,
  fchownSync,
  futimesSync,
  lchownSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  openSync,
  symlinkSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { DamageError } from "../kernel/index.ts";
import type { Entry, OpenedEntry } from "../vault/index.ts";

/** Below this a run of zeros is written, not skipped: a hole costs a block map entry. Bytes. */
const HOLE = 65_536;

export interface WriteOptions {
  /** Give files to their recorded owners; needs the right to. */
  readonly owners: boolean;
}

/** A folder whose mode, owner and times are set at the end, when nothing is written into it any more. */
export type PendingFolder = readonly [path: string, entry: Entry];

/** Set-user-id and set-group-id on a restored file would hand out rights that nobody checked. */
function safeMode(entry: Entry): number {
  return entry.type === "directory" ? entry.mode & 0o3777 : entry.mode & 0o777;
}

/** Seconds, to half a microsecond: what a double can say of today. Node takes a negative number for "now", and a Date before 1970 for what it is. */
function seconds(nanoseconds: string): number | Date {
  const instant = BigInt(nanoseconds);
  return instant < 0n ? new Date(Number(instant / 1_000_000n)) : Number(instant) / 1e9;
}

/** Writes one entry below `top`, which no one else can write to. Returns a folder to finish later, if it is one. */
export async function writeEntry(
  path: string,
  linkSource: string | undefined,
  opened: OpenedEntry,
  options: WriteOptions,
): Promise<PendingFolder | undefined> {
  const { entry } = opened;
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  if (entry.type === "directory") {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    return [path, entry];
  }
  if (entry.type === "symlink") {
    symlinkSync(entry.target ?? "", path);
    if (options.owners) lchownSync(path, entry.uid, entry.gid);
    lutimesSync(path, seconds(entry.mtime_ns), seconds(entry.mtime_ns));
    return undefined;
  }
  if (linkSource !== undefined) {
    linkSync(linkSource, path);
    return undefined;
  }
  await writeContent(path, opened, options);
  return undefined;
}

async function writeContent(path: string, { entry, content }: OpenedEntry, options: WriteOptions): Promise<void> {
  // An empty file in the place of a full one would pass for it.
  if (content === undefined && entry.size > 0)
    throw new DamageError("BACKUP_DAMAGED", `The backup gives no content for "${entry.component}/${entry.path}"`);
  const descriptor = openSync(path, "wx", 0o600);
  try {
    let position = 0;
    for await (const chunk of content ?? []) {
      if (entry.sparse === true && isZero(chunk)) position += chunk.length;
      else position += writeWhole(descriptor, chunk, position);
    }
    if (entry.sparse === true) ftruncateSync(descriptor, position);
    if (options.owners) fchownSync(descriptor, entry.uid, entry.gid);
    fchmodSync(descriptor, safeMode(entry));
    futimesSync(descriptor, seconds(entry.mtime_ns), seconds(entry.mtime_ns));
  } finally {
    closeSync(descriptor);
  }
}

function writeWhole(descriptor: number, chunk: Uint8Array, position: number): number {
  let offset = 0;
  while (offset < chunk.length) offset += writeSync(descriptor, chunk, offset, chunk.length - offset, position + offset);
  return offset;
}

const ZEROS = Buffer.alloc(HOLE);

function isZero(chunk: Uint8Array): boolean {
  if (chunk.length < 4096) return false;
  for (let offset = 0; offset < chunk.length; offset += HOLE) {
    const part = chunk.subarray(offset, offset + HOLE);
    if (!ZEROS.subarray(0, part.length).equals(part)) return false;
  }
  return true;
}

/** Deepest first, so that setting a parent's time is not undone by its child. */
export function finishFolders(folders: readonly PendingFolder[], options: WriteOptions): void {
  for (const [path, entry] of folders.toReversed()) {
    if (options.owners) lchownSync(path, entry.uid, entry.gid);
    chmodSync(path, safeMode(entry));
    lutimesSync(path, seconds(entry.mtime_ns), seconds(entry.mtime_ns));
  }
}

/** Where an entry lies below a backup's top: the folder of a tree holds it, a single file is named by `storedAs` itself. */
export function placeOf(top: string, storedAs: string, tree: boolean, path: string): string {
  if (!tree) return join(top, storedAs);
  return path === "." ? join(top, storedAs) : join(top, storedAs, path);
}
