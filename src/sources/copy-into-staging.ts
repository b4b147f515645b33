import { closeSync, constants, copyFileSync, fstatSync, ftruncateSync, openSync, readSync, rmSync, type BigIntStats } from "node:fs";
import { CaptureError, namedSystemError, type FileIdentity, writeFully } from "../kernel/index.ts";
import { breathe } from "./stop-signal.ts";

export interface CopiedFile {
  /** Of the source, before the copy. */
  readonly stats: BigIntStats;
  /** The source changed during the copy. */
  readonly moved: boolean;
}

const CHUNK = 1024 * 1024;
const ZEROS = Buffer.alloc(CHUNK);
/** A change so shortly before the copy may hide a later one behind the same time, on the coarsest clock of a file system. Milliseconds. */
const COARSEST_CLOCK = 2000;

/**
 * Copies a file into staging: a reflink where the file system can (one instant, no space), else its bytes up to the
 * size seen at open, with holes kept as holes.
 *
 * @param reflinks false where a reflink is known to be impossible
 * @throws CaptureError COMPONENT_MOVED when another file has the name than the one expected
 */
export async function copyIntoStaging(
  source: string,
  target: string,
  expected: FileIdentity | undefined,
  signal: AbortSignal | undefined,
  reflinks = true,
): Promise<CopiedFile> {
  // O_NONBLOCK: a FIFO that took the name in the meantime would hang the open.
  const from = openSync(source, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stats = fstatSync(from, { bigint: true });
    if (!stats.isFile() || (expected !== undefined && (stats.dev !== expected.device || stats.ino !== expected.inode))) {
      throw new CaptureError("COMPONENT_MOVED", `"${source}" was replaced while it was read`, { hint: "Back up when nothing replaces it" });
    }
    const recent = stats.ctimeNs > BigInt(Date.now() - COARSEST_CLOCK) * 1_000_000n;
    const cloned = reflinks && reflink(from, target);
    if (!cloned) await copyBytes(from, target, Number(stats.size), signal);
    const after = fstatSync(from, { bigint: true });
    const moved = after.size !== stats.size || after.mtimeNs !== stats.mtimeNs;
    return { stats, moved: moved || (recent && !cloned && !(await isCopyOf(from, target, signal))) };
  } finally {
    closeSync(from);
  }
}

/** Through /proc, so that it is the opened file and not whatever has its name by now. */
function reflink(from: number, target: string): boolean {
  try {
    copyFileSync(`/proc/self/fd/${from}`, target, constants.COPYFILE_FICLONE_FORCE | constants.COPYFILE_EXCL);
    return true;
  } catch {
    // Another file system, or one without reflinks: the bytes are copied.
    rmSync(target, { force: true });
    return false;
  }
}

async function copyBytes(from: number, target: string, size: number, signal: AbortSignal | undefined): Promise<void> {
  const into = openSync(target, "wx", 0o600);
  try {
    const buffer = Buffer.allocUnsafe(Math.min(CHUNK, Math.max(size, 1)));
    let offset = 0;
    while (offset < size) {
      const read = readSync(from, buffer, 0, Math.min(buffer.length, size - offset), offset);
      if (read === 0) break;
      const bytes = buffer.subarray(0, read);
      if (!bytes.equals(ZEROS.subarray(0, read))) writeFully(into, bytes, offset);
      offset += read;
      if (offset % (16 * CHUNK) === 0) await breathe(signal);
    }
    ftruncateSync(into, offset);
  } catch (error) {
    throw namedSystemError(error, `copy into "${target}"`);
  } finally {
    closeSync(into);
  }
}

/** Bytes that were read the same twice stood in the source together in between. */
async function isCopyOf(from: number, target: string, signal: AbortSignal | undefined): Promise<boolean> {
  const copy = openSync(target, "r");
  try {
    const [one, other] = [Buffer.allocUnsafe(CHUNK), Buffer.allocUnsafe(CHUNK)];
    for (let offset = 0; ; offset += CHUNK) {
      const length = readSync(copy, one, 0, CHUNK, offset);
      if (readSync(from, other, 0, CHUNK, offset) !== length || !one.subarray(0, length).equals(other.subarray(0, length))) return false;
      if (length < CHUNK) return true;
      if (offset % (16 * CHUNK) === 0) await breathe(signal);
    }
  } finally {
    closeSync(copy);
  }
}
