import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { HostError } from "../kernel/index.ts";
import type { BackupReader, Entry } from "../vault/index.ts";
import { FileWriter } from "./file-writer.ts";
import { writeFolder, writeHardLink, writeLink, type PendingFolder } from "./write-entry.ts";

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
}

/**
 * Writes what is wanted of a backup, each content compared with its recorded hash while it is written: folders first,
 * files in threads, links when everything else is there.
 *
 * @returns the folders, whose mode, owner and times are set when nothing is written into them any more
 */
export async function writeEntries(request: WriteEntriesRequest, { standIns, firsts }: LookedAhead): Promise<PendingFolder[]> {
  const { reader, wanted, placeOf, signal, onBytes } = request;
  const owners = request.owner === "recorded";
  const folders: PendingFolder[] = [];
  const links: (() => void)[] = [];
  /** Where the first name of each hard-link group was written. */
  const written = new Map<string, string>();
  const made = new Set<string>();
  await using files = new FileWriter(owners);
  for await (const opened of reader.read({
    select: (entry) => wanted(entry) || standIns.has(keyOf(entry)),
    ...(signal === undefined ? {} : { signal }),
    ...(onBytes === undefined ? {} : { onBytes }),
  })) {
    const key = keyOf(opened.entry);
    const entry = wanted(opened.entry) ? opened.entry : standIns.get(key);
    const path = entry === undefined ? undefined : placeOf(entry);
    if (entry === undefined || path === undefined) continue;
    const first = entry.hard_link === undefined ? undefined : written.get(`${entry.component}/${entry.hard_link}`);
    if (first === path) continue; // written already, in the place of its first name
    const folder = dirname(path);
    if (!made.has(folder)) mkdirSync(folder, { recursive: true, mode: 0o700 });
    made.add(folder);
    if (entry.type === "directory") folders.push(writeFolder(path, entry));
    else if (entry.type === "symlink") links.push(() => writeLink(path, entry, { owners }));
    else if (first !== undefined) links.push(() => writeHardLink(path, first));
    else await files.write(path, { ...opened, entry });
    if (firsts.has(key)) written.set(key, path);
    request.onEntry?.(entry, path);
  }
  await files.finish();
  for (const link of links) link();
  return folders;
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
  for await (const entry of reader.entries()) {
    if (!wanted(entry)) continue;
    if (entry.hard_link !== undefined) firsts.add(`${entry.component}/${entry.hard_link}`);
    mayGive(entry);
  }
  const standIns = new Map<string, Entry>();
  if (firsts.size === 0) return { firsts, standIns };
  const unwanted = new Set<string>();
  for await (const entry of reader.entries()) {
    const first = `${entry.component}/${entry.hard_link}`;
    if (!wanted(entry) && firsts.has(keyOf(entry))) unwanted.add(keyOf(entry));
    else if (wanted(entry) && entry.hard_link !== undefined && unwanted.has(first) && !standIns.has(first)) standIns.set(first, entry);
  }
  return { firsts, standIns };
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
