import { closeSync, constants, fchmodSync, fchownSync, ftruncateSync, futimesSync, openSync } from "node:fs";
import { writeFully } from "../kernel/index.ts";
import type { Entry } from "../vault/index.ts";

/** What a written file gets at the end. Plain data, so that a thread can do it. */
export interface FileFacts {
  /** Permission bits. */
  readonly mode: number;
  /** null: this account's. */
  readonly owner: { readonly uid: number; readonly gid: number } | null;
  /** Nanoseconds since the epoch, decimal. */
  readonly mtime_ns: string;
  /** Runs of zeros become holes. */
  readonly sparse: boolean;
}

/** A small file whole. */
export interface FileJob {
  readonly path: string;
  readonly facts: FileFacts;
  /** Where its bytes lie in the job's buffer. */
  readonly offset: number;
  readonly length: number;
}

/** Below this a run of zeros is written, not skipped: a hole costs a block map entry. Bytes. */
const HOLE = 65_536;
const ZEROS = Buffer.alloc(HOLE);

export function factsOf(entry: Entry, owners: boolean): FileFacts {
  return {
    // Set-user-id and set-group-id on a restored file would hand out rights that nobody checked.
    mode: entry.mode & 0o777,
    owner: owners ? { uid: entry.uid, gid: entry.gid } : null,
    mtime_ns: entry.mtime_ns,
    sparse: entry.sparse === true,
  };
}

export function openNew(path: string): number {
  return openSync(path, "wx", 0o600);
}

/** What openNew() made. */
export function openAgain(path: string): number {
  return openSync(path, constants.O_WRONLY | constants.O_NOFOLLOW);
}

export function writeFile({ path, facts }: Pick<FileJob, "path" | "facts">, bytes: Uint8Array): void {
  const descriptor = openNew(path);
  try {
    writePiece(descriptor, bytes, 0, facts.sparse);
    finishFile(descriptor, facts, bytes.length);
  } finally {
    closeSync(descriptor);
  }
}

export function writePiece(descriptor: number, bytes: Uint8Array, position: number, sparse: boolean): void {
  if (!sparse) return writeFully(descriptor, bytes, position);
  let from = 0;
  for (let offset = 0; offset < bytes.length; offset += HOLE) {
    const part = bytes.subarray(offset, offset + HOLE);
    if (part.length < 4096 || !ZEROS.subarray(0, part.length).equals(part)) continue;
    writeFully(descriptor, bytes.subarray(from, offset), position + from);
    from = offset + part.length;
  }
  writeFully(descriptor, bytes.subarray(from), position + from);
}

export function finishFile(descriptor: number, { mode, owner, mtime_ns, sparse }: FileFacts, size: number): void {
  if (sparse) ftruncateSync(descriptor, size);
  if (owner !== null) fchownSync(descriptor, owner.uid, owner.gid);
  fchmodSync(descriptor, mode);
  futimesSync(descriptor, seconds(mtime_ns), seconds(mtime_ns));
}

/** Seconds, to half a microsecond: what a double can say of today. Node takes a negative number for "now", and a Date before 1970 for what it is. */
export function seconds(nanoseconds: string): number | Date {
  const instant = BigInt(nanoseconds);
  return instant < 0n ? new Date(Number(instant / 1_000_000n)) : Number(instant) / 1e9;
}
