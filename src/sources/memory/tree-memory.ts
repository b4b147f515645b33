import type { BigIntStats } from "node:fs";
import { settledBefore, type KnownRecords, type RecordSink } from "../../vault/index.ts";
import { InodeIndex } from "./inode-index.ts";
import { ROW_BYTES, Rows } from "./rows.ts";

const VERSION = 3;
/** Between the names of a folder: no name holds it. */
const BETWEEN = "\0";
/** In the paths of all folders: their head is one text. Characters. */
const MOST_PATHS = 64 * 1024 * 1024;

interface FolderHead {
  /** Entry path. */
  readonly path: string;
  /** Names in it, which are as many rows. */
  readonly count: number;
  /** Nothing else was in it. */
  readonly isAll: boolean;
  /** Where its record begins, and how long it is: its rows, and its names behind them. Bytes. */
  at: number;
  length: number;
}

/** What is read at once. */
interface Head {
  readonly version: number;
  /** Says by which rules the tree was walked, and which tree it is. */
  readonly rules: string;
  /** When the backup began that it was made for. Milliseconds since the epoch. */
  readonly begun: number;
  /** See rootLook(). */
  readonly root: string;
  /** A walk that finds the same has nothing else to tell than these warnings. */
  readonly plain: boolean;
  readonly warnings: readonly string[];
  readonly folders: readonly FolderHead[];
}

export interface RememberedFolder {
  readonly path: string;
  /** Names in it. */
  readonly count: number;
  /** Nothing else was in it: no name that is not UTF-8, and nothing that could not, or need not, be listed. */
  readonly isAll: boolean;
  /** undefined when its record cannot be read: then nothing is known of what is in it. */
  read(): FolderRecord | undefined;
}

export interface FolderRecord {
  /** In order. */
  readonly names: readonly string[];
  /** One for each name. */
  readonly rows: Rows;
  /** The names as they are written down. */
  readonly joined: Uint8Array;
}

/** What the last walk saw of a tree: the names of every folder, and how each of them looked. */
export interface TreeMemory {
  readonly begun: number;
  /** Nanoseconds since the epoch: what changed later is not believed. */
  readonly settled: bigint;
  readonly root: string;
  readonly plain: boolean;
  readonly warnings: readonly string[];
  /** In the order of the walk. */
  readonly folders: readonly RememberedFolder[];
  folder(path: string): RememberedFolder | undefined;
  /** Entry path of a file with that inode, of any if it had several. */
  pathOf(inode: bigint): string | undefined;
}

/** Gathers what a walk sees: of the folders that it is in, and no longer of those that it has left. */
export class TreeNotes {
  readonly now: number;
  readonly #records: RecordSink;
  readonly #folders: FolderHead[] = [];
  #paths = 0;

  /** @param now of the backup under way. Milliseconds since the epoch */
  constructor(now: number, records: RecordSink) {
    this.now = now;
    this.#records = records;
  }

  /**
   * @param isAll see RememberedFolder
   * @param joined the same names as they were written down the last time
   * @returns to be told of every name, and of the end
   */
  folder(path: string, names: readonly string[], isAll: boolean, joined?: Uint8Array): { readonly rows: Rows; readonly end: () => void } {
    const rows = new Rows(names.length);
    const head = { path, count: names.length, isAll, at: 0, length: 0 };
    this.#paths += path.length;
    this.#folders.push(head);
    const end = (): void => {
      const text = joined ?? Buffer.from(joinNames(names));
      head.at = this.#records.append(rows.bytes);
      this.#records.append(text);
      head.length = rows.bytes.length + text.length;
    };
    return { rows, end };
  }

  /** undefined for a tree of so many folders that they do not fit into one text: then everything is looked at anew. */
  toHead(told: Pick<Head, "rules" | "root" | "plain" | "warnings">): Buffer | undefined {
    if (this.#paths > MOST_PATHS || this.#folders.length > MOST_PATHS / 64) return undefined;
    const head: Head = { version: VERSION, begun: this.now, ...told, folders: this.#folders };
    return Buffer.from(JSON.stringify(head));
  }
}

/** Of the tree's own folder, which has no row. */
export function rootLook({ dev, ino, mtimeNs, ctimeNs }: BigIntStats): string {
  return [dev, ino, mtimeNs, ctimeNs].join(" ");
}

export function joinNames(names: readonly string[]): string {
  return names.join(BETWEEN);
}

export function splitNames(joined: string): readonly string[] {
  return joined === "" ? [] : joined.split(BETWEEN);
}

/** @returns undefined for what is not a memory of this tree by these rules: then everything is looked at anew */
export function treeMemory(known: KnownRecords | undefined, rules: string): TreeMemory | undefined {
  const head = known === undefined ? undefined : parseHead(Buffer.from(known.head).toString("utf8"));
  if (known === undefined || head === undefined || head.version !== VERSION || head.rules !== rules) return undefined;
  const folders = head.folders.map((folder) => ({
    path: folder.path,
    count: folder.count,
    isAll: folder.isAll,
    read: () => recordOf(folder, known),
  }));
  const { begun, root, plain, warnings } = head;
  let byPath: ReadonlyMap<string, RememberedFolder> | undefined;
  let byInode: InodeIndex | undefined;
  return {
    begun,
    settled: settledBefore(begun),
    root,
    plain,
    warnings,
    folders,
    folder: (path) => (byPath ??= new Map(folders.map((folder) => [folder.path, folder]))).get(path),
    pathOf: (inode) => (byInode ??= new InodeIndex(folders)).pathOf(inode),
  };
}

function recordOf({ count, at, length }: FolderHead, known: KnownRecords): FolderRecord | undefined {
  const record = known.read(at, length);
  if (record === undefined) return undefined;
  const joined = Buffer.from(record.subarray(count * ROW_BYTES));
  const names = splitNames(joined.toString("utf8"));
  return names.length === count ? { names, rows: new Rows(count, record.subarray(0, count * ROW_BYTES)), joined } : undefined;
}

function parseHead(text: string): Head | undefined {
  try {
    const head = JSON.parse(text) as Partial<Head> | null;
    return Array.isArray(head?.folders) && Array.isArray(head.warnings) ? (head as Head) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
