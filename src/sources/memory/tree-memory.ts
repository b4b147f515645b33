import type { BigIntStats } from "node:fs";
import { settledBefore } from "../../vault/index.ts";
import { Rows } from "./rows.ts";

const VERSION = 1;
/** Between the names of a folder: no name holds it. */
const BETWEEN = "\0";
/** Characters. */
const MOST_NAMES = 128 * 1024 * 1024;

interface FolderHead {
  /** Entry path. */
  readonly path: string;
  /** Names in it, which are as many rows. */
  readonly count: number;
  /** Length of its names, joined. Characters. */
  readonly length: number;
}

/** What stands before the columns. */
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
  /** Row of its first name. */
  readonly first: number;
  readonly count: number;
  /** In order, joined. */
  names(): string;
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
  readonly rows: Rows;
}

/** Gathers what a walk sees. */
export class TreeNotes {
  readonly rows: Rows = new Rows();
  readonly now: number;
  readonly #folders: FolderHead[] = [];
  readonly #names: string[] = [];

  /** @param now of the backup under way. Milliseconds since the epoch */
  constructor(now: number) {
    this.now = now;
  }

  /** @returns the row of its first name */
  folder(path: string, names: readonly string[]): number {
    const joined = joinNames(names);
    this.#folders.push({ path, count: names.length, length: joined.length });
    this.#names.push(joined);
    return this.rows.add(names.length);
  }

  /** undefined for a tree of so many names that they do not fit into one text: then everything is looked at anew. */
  toBytes(told: Pick<Head, "rules" | "root" | "plain" | "warnings">): Buffer | undefined {
    if (this.#folders.reduce((sum, { length }) => sum + length, 0) > MOST_NAMES) return undefined;
    const head: Head = { version: VERSION, begun: this.now, ...told, folders: this.#folders };
    const [before, names] = [Buffer.from(JSON.stringify(head)), Buffer.from(this.#names.join(""))];
    const lengths = Buffer.alloc(8);
    lengths.writeUInt32LE(before.length, 0);
    lengths.writeUInt32LE(names.length, 4);
    return Buffer.concat([lengths, before, names, ...this.rows.columns()]);
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
export function treeMemory(bytes: Uint8Array | undefined, rules: string): TreeMemory | undefined {
  if (bytes === undefined || bytes.length < 8) return undefined;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const from = 8 + buffer.readUInt32LE(0);
  const to = from + buffer.readUInt32LE(4);
  const head = to <= buffer.length ? parseHead(buffer.toString("utf8", 8, from)) : undefined;
  if (head === undefined || head.version !== VERSION || head.rules !== rules) return undefined;
  const names = buffer.toString("utf8", from, to);
  const folders: RememberedFolder[] = [];
  let [first, position] = [0, 0];
  for (const { path, count, length } of head.folders) {
    const begin = position;
    folders.push({ path, first, count, names: () => names.slice(begin, begin + length) });
    first += count;
    position += length;
  }
  const rows = Rows.fromBytes(buffer.subarray(to), first);
  if (rows === undefined || position !== names.length) return undefined;
  const { begun, root, plain, warnings } = head;
  let byPath: ReadonlyMap<string, RememberedFolder> | undefined;
  return {
    begun,
    settled: settledBefore(begun),
    root,
    plain,
    warnings,
    folders,
    folder: (path) => (byPath ??= new Map(folders.map((folder) => [folder.path, folder]))).get(path),
    rows,
  };
}

function parseHead(text: string): Head | undefined {
  try {
    return JSON.parse(text) as Head;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
