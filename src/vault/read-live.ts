import { createHash, hash as hashOnce } from "node:crypto";
import { fstatSync, readlinkSync, type BigIntStats } from "node:fs";
import { errnoOf, namedSystemError } from "../kernel/index.ts";
import { openFile, readFully, type OpenedFile } from "./open-span.ts";
import type { ContentEnd, ContentStep, LiveFacts } from "./read-content.ts";
import type { Change } from "./reading.ts";
import type { Content } from "./span.ts";

type LiveContent = Extract<Content, { kind: "live" }>;

/** How often a file that does not hold still is read. After that it is stored as read, and said so. */
const ATTEMPTS = 4;
const PREFIX_BUFFER = 1024 * 1024;
/**
 * A change so shortly before the reading began may hide a later one behind the same time: kernels before 6.13 tell times
 * 4 to 10 ms apart, ext3 one second, FAT two. Milliseconds.
 */
const COARSEST_CLOCK = 2000;

/**
 * Reads the user's own file, which may move meanwhile:
 * - grown behind what was read: the size seen at open is stored, and compared once more to be a true prefix
 *   (openclaw#72249: a growing .jsonl made an archive whose header and bytes disagreed)
 * - another file at its path: that one is read
 * - changed in any other way: read again, up to three times, then stored as read and called rewritten
 * - gone (openclaw#67417): reported, and the backup goes on
 */
export function* readLive(content: LiveContent, buffer: Uint8Array, front?: number): Generator<ContentStep, ContentEnd, void> {
  for (let attempt = 1; ; attempt += 1) {
    const opened = openLive(content.span.path);
    if (!("file" in opened)) return opened;
    using file = opened.file;
    const replaced = file.stats.dev !== content.span.device || file.stats.ino !== content.span.inode;
    const { length, grown } = lengthToRead(content, file.stats, replaced);
    const recent = changedSince(file.stats, Date.now() - COARSEST_CLOCK);
    const read = yield* readOnce({ file, offset: content.span.offset, length, buffer, front });
    const verdict = judge({ file, offset: content.span.offset, length, recent, last: attempt === ATTEMPTS }, read);
    if (verdict === "again") continue;
    if (verdict === "shrinks") return { stored: false, reason: { unreadable: "it kept shrinking while it was read" } };
    // What was seen to hold still only now is given only now.
    if (read.pending !== undefined) {
      yield { step: "begin", size: length, facts: factsOf(file.stats) };
      if (length > 0) yield { step: "bytes", bytes: read.pending };
    }
    let change: Change["change"] | undefined = verdict === "still" ? undefined : verdict;
    if (replaced && change !== "rewritten") change = "replaced";
    return { stored: true, size: length, sha256: read.sha256, change: change ?? (grown ? "grew" : undefined), front: read.front };
  }
}

function openLive(path: string): { readonly file: OpenedFile } | Extract<ContentEnd, { stored: false }> {
  try {
    // A folder that is renamed right after the opening looks like one that was swapped; opening again tells them apart.
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
      const file = openFile(path);
      const isFile = file.stats.isFile();
      if (isFile && ledTo(file.descriptor, path)) return { file };
      file[Symbol.dispose]();
      if (!isFile) return { stored: false, reason: "vanished" };
    }
    return { stored: false, reason: { unreadable: "a folder on the way to it was replaced while it was read" } };
  } catch (error) {
    switch (errnoOf(error)) {
      // Gone, or something that is no file has its name now.
      case "ENOENT":
      case "ENOTDIR":
      case "ELOOP":
      case "ENXIO":
        return { stored: false, reason: "vanished" };
      case "EACCES":
      case "EPERM":
        return { stored: false, reason: { unreadable: "permission denied" } };
      case "EIO":
        return { stored: false, reason: { unreadable: "the disk cannot read it (EIO)" } };
      default:
        throw namedSystemError(error, `open "${path}"`);
    }
  }
}

/**
 * Whether a path led where it says. A folder that is swapped for a link after the walk would lead root out of the tree,
 * and the kernel knows by which way it came.
 */
function ledTo(descriptor: number, path: string): boolean {
  let way: string;
  try {
    way = readlinkSync(`/proc/self/fd/${descriptor}`);
  } catch (error) {
    // No /proc: nothing to compare with.
    if (errnoOf(error) === "ENOENT") return true;
    throw error;
  }
  return way === path || way === `${path} (deleted)`;
}

/** How much of the file as it is now belongs to the backup. */
function lengthToRead(content: LiveContent, now: BigIntStats, replaced: boolean): { length: number; grown: boolean } {
  const { offset, length } = content.span;
  const available = Math.max(0, Number(now.size) - offset);
  if (replaced) return { length: available, grown: false };
  const still = now.mtimeNs === content.mtimeNs && now.ctimeNs === content.ctimeNs;
  if (still && available >= length) return { length, grown: false };
  // A log keeps the end that was chosen for it; anything else that moved since it was seen is taken as it is now.
  if (content.appending && available >= length) return { length, grown: available > length };
  return { length: available, grown: false };
}

interface ReadOnce {
  readonly sha256: string;
  readonly complete: boolean;
  /** Bytes in the buffer that were not given yet. */
  readonly pending: Uint8Array | undefined;
  /** SHA-256 of the front that was asked for. */
  readonly front?: string | undefined;
}

interface ToRead {
  readonly file: OpenedFile;
  readonly offset: number;
  readonly length: number;
  readonly buffer: Uint8Array;
  readonly front: number | undefined;
}

function* readOnce({ file, offset, length, buffer, front: wantedFront }: ToRead): Generator<ContentStep, ReadOnce, void> {
  if (length <= buffer.length) {
    const got = readOrFail(file, buffer, length, offset);
    const pending = buffer.subarray(0, got);
    return { sha256: hashOnce("sha256", pending, "hex"), complete: got === length, pending };
  }
  yield { step: "begin", size: length, facts: factsOf(file.stats) };
  const hash = createHash("sha256");
  let front: string | undefined;
  for (let done = 0; done < length;) {
    const wanted = Math.min(buffer.length, length - done);
    const got = readOrFail(file, buffer, wanted, offset + done);
    if (got < wanted) return { sha256: "", complete: false, pending: undefined };
    const bytes = buffer.subarray(0, wanted);
    const first = wantedFront === undefined || wantedFront <= done ? 0 : Math.min(wantedFront - done, wanted);
    if (first > 0) hash.update(bytes.subarray(0, first));
    if (done + first === wantedFront && first > 0) front = hash.copy().digest("hex");
    if (first < wanted) hash.update(bytes.subarray(first));
    yield { step: "bytes", bytes };
    done += wanted;
  }
  return { sha256: hash.digest("hex"), complete: true, pending: undefined, front };
}

function readOrFail(file: OpenedFile, buffer: Uint8Array, length: number, position: number): number {
  try {
    return readFully(file.descriptor, buffer, length, position);
  } catch (error) {
    throw namedSystemError(error, "read a file of the component");
  }
}

interface Attempt {
  readonly file: OpenedFile;
  readonly offset: number;
  readonly length: number;
  /** It had changed so recently that its times do not tell whether it changed again. */
  readonly recent: boolean;
  readonly last: boolean;
}

function changedSince(stats: BigIntStats, millis: number): boolean {
  return stats.ctimeNs > BigInt(millis) * 1_000_000n;
}

/** What became of the file while it was read. Reading the same bytes twice is proof that they stood there together in between. */
function judge({ file, offset, length, recent, last }: Attempt, read: ReadOnce): "still" | "grew" | "rewritten" | "shrinks" | "again" {
  const { stats: before } = file;
  const after = fstatSync(file.descriptor, { bigint: true });
  if (!read.complete) return last ? "shrinks" : "again";
  const same = after.mtimeNs === before.mtimeNs && after.ctimeNs === before.ctimeNs && after.size === before.size;
  if (same && !recent) return "still";
  if (same || after.size > before.size) {
    if (hashAgain(file.descriptor, offset, length) === read.sha256) return same ? "still" : "grew";
  }
  return last ? "rewritten" : "again";
}

function hashAgain(descriptor: number, offset: number, length: number): string {
  const buffer = Buffer.allocUnsafe(Math.min(PREFIX_BUFFER, length));
  const hash = createHash("sha256");
  for (let done = 0; done < length;) {
    const got = readFully(descriptor, buffer, Math.min(buffer.length, length - done), offset + done);
    if (got === 0) return "";
    hash.update(buffer.subarray(0, got));
    done += got;
  }
  return hash.digest("hex");
}

function factsOf(stats: BigIntStats): LiveFacts {
  return { mode: Number(stats.mode & 0o7777n), uid: Number(stats.uid), gid: Number(stats.gid), mtimeNs: stats.mtimeNs };
}
