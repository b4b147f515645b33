import { closeSync, constants, fstatSync, openSync, readSync, type BigIntStats } from "node:fs";
import { CaptureError, identityOf, lstatAt } from "../kernel/index.ts";
import type { Content, Reading, ReadingReport } from "../vault/index.ts";
import { isLogName, liveContent, stagedContent } from "./content.ts";
import { copyIntoStaging } from "./copy-into-staging.ts";
import { headOf } from "./head.ts";
import { FileMemory } from "./memory/file-memory.ts";
import type { Notes } from "./notes.ts";
import { readingOf } from "./reading-of.ts";
import type { ReadingRequest } from "./reading-request.ts";
import { rootError, type Root } from "./root.ts";
import type { StagingFolder } from "./staging-folder.ts";
import { untouchedReading } from "./untouched-reading.ts";

/** A log younger than this is still being written. Milliseconds. */
const MOVING = 2000;
/** How far from its end a log is searched for the end of a line. Bytes. */
const SEARCH = 16 * 1024 * 1024;

/** One file, or one log, read where it lies; under a pause it is copied first. */
export async function fileReading(
  kind: "file" | "log",
  root: Root,
  request: ReadingRequest,
  notes: Notes,
  staging: StagingFolder,
): Promise<Reading> {
  const memory = FileMemory.of(kind, root, request);
  const report = (): ReadingReport => ({ source: kind, resolved_path: root.real, ...notes.result() });
  if (memory?.isUntouched(root.stats) === true) return untouchedReading(report, request, staging);
  let stats: BigIntStats;
  let content: Content;
  let size: number;
  try {
    if (request.cut) {
      const target = staging.fresh();
      const copied = await copyIntoStaging(root.real, target, identityOf(root.stats), request.signal);
      if (copied.moved) notes.omit(root.name, "Changed while it was copied although its component was paused: stored as read", false);
      stats = copied.stats;
      ({ content, size } = stagedContent(target));
    } else {
      const opened = lookIn(root, kind, request.now);
      ({ stats, size } = opened);
      content = liveContent(root.real, stats, kind === "log" || isLogName(root.name), size);
    }
  } catch (cause) {
    throw cause instanceof CaptureError ? cause : rootError(root.path, request.component, cause);
  }
  const head = { ...headOf(root.name, "file", stats), size };
  return readingOf({
    signal: request.signal,
    *entries() {
      yield { head, content };
    },
    report,
    // Of a log the rest of its last line comes with the next backup.
    memory: () => (BigInt(size) === stats.size ? memory?.toHead(stats) : undefined),
    close: () => staging.remove(),
  });
}

/** The size of a file at open; of a log that still moves, up to its last whole line: the rest comes with the next backup. */
function lookIn(root: Root, kind: "file" | "log", now: number): { stats: BigIntStats; size: number } {
  const listed = lstatAt(root.real);
  const descriptor = openSync(root.real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stats = fstatSync(descriptor, { bigint: true });
    const whole = Number(stats.size);
    if (kind === "file") return { stats, size: whole };
    const end = endOfLastLine(descriptor, whole);
    const still = fstatSync(descriptor, { bigint: true }).size === stats.size && listed?.size === stats.size;
    const moving = !still || now - Number(stats.mtimeMs) < MOVING;
    return { stats, size: moving ? end : whole };
  } finally {
    closeSync(descriptor);
  }
}

/** The whole length when no line ends near the end: what has no lines cannot be cut between them. */
function endOfLastLine(descriptor: number, length: number): number {
  const buffer = Buffer.allocUnsafe(64 * 1024);
  const limit = Math.max(0, length - SEARCH);
  for (let end = length; end > limit;) {
    const begin = Math.max(limit, end - buffer.length);
    const read = readSync(descriptor, buffer, 0, end - begin, begin);
    const newline = buffer.subarray(0, read).lastIndexOf(0x0a);
    if (newline !== -1) return begin + newline + 1;
    end = begin;
  }
  return length;
}
