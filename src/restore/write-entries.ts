import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { HostError } from "../kernel/index.ts";
import { proofOf, type BackupReader, type Entry, type LocatedEntry } from "../vault/index.ts";
import { FileWriter } from "./file-writer.ts";
import { writeFolder, writeHardLink, writeLink, type PendingFolder } from "./write-entry.ts";
import type { CheckedDatabase } from "./write-located.ts";
import { writeLocated } from "./write-located-files.ts";

/** What is not worth a second thread. */
const LITTLE_BYTES = 8 * 1024 * 1024;
const LITTLE_FILES = 500;
/** What keeps a thread at work for a while. Bytes. */
const LARGE = 32 * 1024 * 1024;

export interface WriteEntriesRequest {
  readonly reader: BackupReader;
  readonly wanted: (entry: Entry) => boolean;
  /** Absolute place of a wanted entry; undefined: it is not written. */
  readonly placeOf: (entry: Entry) => string | undefined;
  /** "recorded" gives files to who owned them, "current" to this account. */
  readonly owner: "recorded" | "current";
  readonly signal?: AbortSignal;
  readonly onBytes?: (bytes: number) => void;
  readonly onEntry?: (entry: Entry, path: string) => void;
  /** Asks for a check of every database by the thread that wrote it, and is told what came of it; of some, or of none, where this thread has to do it. */
  readonly onDatabase?: (checked: CheckedDatabase) => void;
}

/**
 * Writes what is wanted of a backup, each content compared with its recorded hash while it is written: folders first,
 * files in threads, links when everything else is there.
 *
 * @returns the folders, whose mode, owner and times are set when nothing is written into them any more
 */
export async function writeEntries(request: WriteEntriesRequest, ahead: LookedAhead): Promise<PendingFolder[]> {
  const { reader, signal, onBytes } = request;
  const owners = request.owner === "recorded";
  const later: Later = { folders: [], links: [] };
  const located = reader.located?.();
  const options = {
    select: (entry: Entry) => request.wanted(entry) || ahead.standIns.has(keyOf(entry)),
    ...(signal === undefined ? {} : { signal }),
  };
  if (located === undefined) {
    await using files = new FileWriter(owners);
    const opened = reader.read({ ...options, ...(onBytes === undefined ? {} : { onBytes }) });
    for await (const { path, entry, content } of placeEntries(opened, request, ahead, later)) {
      await files.write(path, { entry, ...(content === undefined ? {} : { content }) });
      request.onEntry?.(entry, path);
    }
    await files.finish();
  } else {
    const isLarge = new Set(ahead.large.map(({ entry }) => keyOf(entry)));
    const rest = located.entries({ ...options, select: (entry) => options.select(entry) && !isLarge.has(keyOf(entry)) });
    const files = placeEntries(inTurn(ahead.large, rest), request, ahead, later);
    await writeLocated(located, files, { ...request, little: ahead.bytes < LITTLE_BYTES && ahead.files < LITTLE_FILES });
  }
  for (const link of later.links) link();
  return later.folders;
}

async function* inTurn<T>(first: Iterable<T>, rest: AsyncIterable<T>): AsyncGenerator<T, void> {
  yield* first;
  yield* rest;
}

/** What is finished, or made, when every file is written. */
interface Later {
  readonly folders: PendingFolder[];
  readonly links: (() => void)[];
}

/** Makes the folders, and gives the files with the place that each is written to. */
async function* placeEntries<C>(
  entries: AsyncIterable<{ readonly entry: Entry; readonly content?: C }>,
  { wanted, placeOf, owner, onEntry }: WriteEntriesRequest,
  { standIns, firsts }: LookedAhead,
  { folders, links }: Later,
): AsyncGenerator<{ readonly path: string; readonly entry: Entry; readonly content: C | undefined }> {
  /** Where the first name of each hard-link group was written. */
  const written = new Map<string, string>();
  const made = new Set<string>();
  for await (const { entry: stored, content } of entries) {
    const key = keyOf(stored);
    const entry = wanted(stored) ? stored : standingFor(stored, standIns.get(key));
    const path = entry === undefined ? undefined : placeOf(entry);
    if (entry === undefined || path === undefined) continue;
    const first = entry.hard_link === undefined ? undefined : written.get(`${entry.component}/${entry.hard_link}`);
    if (first === path) continue; // written already, in the place of its first name
    const folder = dirname(path);
    if (!made.has(folder)) mkdirSync(folder, { recursive: true, mode: 0o700 });
    made.add(folder);
    if (firsts.has(key)) written.set(key, path);
    if (entry.type === "directory") folders.push(writeFolder(path, entry));
    else if (entry.type === "symlink") links.push(() => writeLink(path, entry, { owners: owner === "recorded" }));
    else if (first !== undefined) links.push(() => writeHardLink(path, first));
    else {
      yield { path, entry, content };
      continue;
    }
    onEntry?.(entry, path);
  }
}

/** A wanted name that takes the content of the first one, which is not wanted. */
function standingFor(first: Entry, name: Entry | undefined): Entry | undefined {
  if (name === undefined) return undefined;
  const { size, sparse } = first;
  return { ...name, size, ...proofOf(first), ...(sparse === undefined ? {} : { sparse }) };
}

function keyOf(entry: Entry): string {
  return `${entry.component}/${entry.path}`;
}

/** What has to be known of a backup before anything of it is written. */
export interface LookedAhead {
  /** `component/path` of files that have another name. */
  readonly firsts: ReadonlySet<string>;
  /** For each of them that is not wanted itself, the wanted name that its content is written under. */
  readonly standIns: ReadonlyMap<string, Entry>;
  /** How many files are wanted, and how large they are together. */
  readonly files: number;
  readonly bytes: number;
  /** Of located files those that are begun first: one that comes last keeps one thread waiting for the other. */
  readonly large: readonly LocatedEntry[];
}

/**
 * Refuses owners that this account cannot give, and finds the hard-link groups of which only some names are wanted.
 *
 * @throws HostError OWNER_NOT_PERMITTED
 */
export async function lookAhead(request: Pick<WriteEntriesRequest, "reader" | "wanted" | "owner">): Promise<LookedAhead> {
  const { reader, wanted } = request;
  const mayGive = giverOf(request.owner);
  const firsts = new Set<string>();
  let files = 0;
  let bytes = 0;
  const large: LocatedEntry[] = [];
  for await (const found of entriesOf(reader)) {
    const { entry } = found;
    if (!wanted(entry)) continue;
    if (entry.type === "file") files += 1;
    bytes += entry.size;
    if (found.content !== undefined && entry.size >= LARGE) large.push(found);
    if (entry.hard_link !== undefined) firsts.add(`${entry.component}/${entry.hard_link}`);
    mayGive(entry);
  }
  const standIns = new Map<string, Entry>();
  if (firsts.size === 0) return { firsts, standIns, files, bytes, large };
  const unwanted = new Set<string>();
  for await (const entry of reader.entries()) {
    const first = `${entry.component}/${entry.hard_link}`;
    if (!wanted(entry) && firsts.has(keyOf(entry))) unwanted.add(keyOf(entry));
    else if (wanted(entry) && entry.hard_link !== undefined && unwanted.has(first) && !standIns.has(first)) standIns.set(first, entry);
  }
  return { firsts, standIns, files, bytes, large };
}

async function* entriesOf(reader: BackupReader): AsyncGenerator<LocatedEntry, void> {
  const located = reader.located?.();
  if (located !== undefined) yield* located.entries();
  else for await (const entry of reader.entries()) yield { entry };
}

function giverOf(whose: "recorded" | "current"): (entry: Entry) => void {
  const uid = process.getuid?.() ?? 0;
  if (whose === "current" || uid === 0) return () => {};
  const groups = new Set([process.getegid?.() ?? 0, ...(process.getgroups?.() ?? [])]);
  return (entry) => {
    if (entry.uid === uid && groups.has(entry.gid)) return;
    const owner = entry.uid === uid ? `group ${entry.group ?? entry.gid}` : `user ${entry.user ?? entry.uid}`;
    throw new HostError("OWNER_NOT_PERMITTED", `"${keyOf(entry)}" belongs to ${owner}, and this account may not give files away`, {
      hint: "Run as root, or add --owner current to own everything yourself",
    });
  };
}
