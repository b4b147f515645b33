import { closeSync, createReadStream, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { CaptureError, errnoOf, formatBytes, freeBytes, HoldfastError, HostError, identityOf } from "../kernel/index.ts";
import type { Content, EntryHead, ReadingEntry } from "../vault/index.ts";
import { stagedContent } from "./content.ts";
import { copyIntoStaging, type CopiedFile } from "./copy-into-staging.ts";
import { headOf } from "./head.ts";
import { canReflink } from "./reflink.ts";
import { databaseOrRaw, plainEntry, type TreeWork } from "./tree-entry.ts";
import type { Found } from "./walk.ts";

const TRIES = 3;

/** A line of the list of a cut: a million heads do not belong in memory. */
interface CutLine {
  readonly head: EntryHead;
  /** Path of the copy; null for an entry without bytes. */
  readonly copy: string | null;
}

/**
 * Copies a paused tree into staging, whole, so that it may resume before anything is stored.
 *
 * @param measure walks the same tree once more beforehand, to count bytes where no reflink is possible
 * @returns the entries, read back from a list beside the copies
 */
export async function cutTree(
  found: AsyncIterable<Found>,
  measure: () => AsyncIterable<Found>,
  work: TreeWork,
  finish: () => void,
): Promise<() => AsyncGenerator<ReadingEntry>> {
  const folder = work.staging.path();
  const reflinks = canReflink(work.root.real, folder);
  if (!reflinks) await requireSpace(measure(), folder, work);
  const list = join(folder, "entries.jsonl");
  const into = openSync(list, "wx", 0o600);
  try {
    for await (const one of found) {
      const line = await cutOne(one, work, reflinks);
      if (line !== undefined) writeSync(into, `${JSON.stringify(line)}\n`);
    }
  } finally {
    closeSync(into);
  }
  await work.child.close();
  finish();
  return async function* () {
    for await (const text of createInterface({ input: createReadStream(list), crlfDelay: Infinity })) {
      const { head, copy } = JSON.parse(text) as CutLine;
      yield { head, content: copy === null ? ({ kind: "none" } satisfies Content) : stagedContent(copy).content };
    }
  };
}

async function cutOne(found: Found, work: TreeWork, reflinks: boolean): Promise<CutLine | undefined> {
  const plain = plainEntry(found, work);
  if (plain !== undefined) return { head: plain.head, copy: null };
  const database = found.type === "database" ? await databaseOrRaw(found, work) : "raw";
  const entry = database === "raw" ? await copiedEntry(found, work, reflinks) : database;
  if (entry === undefined || entry.content.kind !== "staged") return undefined;
  const [span] = entry.content.spans;
  return { head: entry.head, copy: span?.kind === "file" ? span.path : null };
}

async function copiedEntry(found: Found, work: TreeWork, reflinks: boolean): Promise<ReadingEntry | undefined> {
  const { notes, request } = work;
  for (let attempt = 1; ; attempt += 1) {
    const target = work.staging.fresh();
    let copied: CopiedFile;
    try {
      copied = await copyIntoStaging(found.absolute, target, identityOf(found.stats), request.signal, reflinks);
    } catch (error) {
      if (error instanceof CaptureError) notes.omit(found.path, "Was replaced although its component was paused", false);
      else if (error instanceof HoldfastError) throw error;
      else if (errnoOf(error) === "ENOENT") notes.omit(found.path, "vanished", true);
      else notes.omit(found.path, `Cannot be opened (${errnoOf(error) ?? String(error)})`, false);
      return undefined;
    }
    if (copied.moved && attempt < TRIES) continue;
    if (copied.moved) notes.omit(found.path, "Changed while it was copied although its component was paused: stored as read", false);
    const { content, size } = stagedContent(target);
    return { head: { ...headOf(found.path, "file", copied.stats), size }, content };
  }
}

async function requireSpace(found: AsyncIterable<Found>, folder: string, work: TreeWork): Promise<void> {
  let bytes = 0n;
  for await (const one of found) {
    if (one.type === "database" || (one.type === "file" && one.linkTo === undefined)) bytes += one.stats.blocks * 512n;
  }
  const free = freeBytes(folder);
  if (bytes <= BigInt(free)) return;
  throw new HostError(
    "NO_SPACE",
    `The copy of "${work.root.path}" under its pause needs ${formatBytes(Number(bytes))}, and ${formatBytes(free)} are free beside the vault`,
    {
      hint: "Free space on the vault's file system, or take the pause away and let the folder be read live",
    },
  );
}
