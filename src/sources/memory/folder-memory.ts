import type { BigIntStats } from "node:fs";
import { isRecentlyRead } from "../../vault/index.ts";
import type { FolderNames } from "../enter-folder.ts";
import { ROWS, type RowKind } from "./rows.ts";
import type { FolderRecord, TreeMemory, TreeNotes } from "./tree-memory.ts";

/** What the last walk saw, and where this one notes what it sees. */
export interface WalkMemory {
  readonly before: TreeMemory | undefined;
  readonly now: TreeNotes;
  /** The file system keeps the times of folders: a name that comes or goes changes those of its folder. */
  readonly keepsTimes: boolean;
}

/** One folder while a walk goes through it in order: what it was, and what it is. */
export class FolderMemory {
  readonly #memory: WalkMemory;
  readonly #noted: ReturnType<TreeNotes["folder"]>;
  readonly #before: FolderRecord | undefined;
  #next = 0;
  /** Of the name that was asked about last: when the bytes of a file were read, or a folder was listed. */
  #readAt: number | undefined;

  /**
   * @param found its names in order
   * @param before what it was, where that is what the names are taken from
   */
  constructor(memory: WalkMemory, path: string, { names, isAll }: FolderNames, before: FolderRecord | undefined) {
    this.#memory = memory;
    this.#noted = memory.now.folder(path, names, isAll, before?.joined);
    this.#before = before ?? memory.before?.folder(path)?.read();
  }

  /** Whether a file looks as it did when its bytes were last read, and that is not long ago. Asked in the order of the names. */
  isUntouched(name: string, stats: BigIntStats): boolean {
    return this.#isSame(name, stats, ROWS.file);
  }

  /** Whether a folder in this one looks as it did when its look was last written down anew, and that is not long ago. Asked in the order of the names. */
  isSameFolder(name: string, stats: BigIntStats): boolean {
    return this.#isSame(name, stats, ROWS.folder);
  }

  /** What is in a folder of which isSameFolder() says that, when its looks tell; undefined where it must be listed. */
  namesIn(path: string): FolderRecord | undefined {
    const { before, keepsTimes } = this.#memory;
    const folder = keepsTimes ? before?.folder(path) : undefined;
    return folder?.isAll === true ? folder.read() : undefined;
  }

  #isSame(name: string, stats: BigIntStats, kind: RowKind): boolean {
    const { before, now } = this.#memory;
    this.#readAt = undefined;
    const row = this.#rowOf(name);
    if (before === undefined || this.#before === undefined || row === undefined) return false;
    const { rows } = this.#before;
    if (rows.kind(row) !== kind || !rows.isSame(row, stats, before.settled) || !isRecentlyRead(rows.readAt(row), now.now)) return false;
    this.#readAt = rows.readAt(row);
    return true;
  }

  /** Names come sorted by their bytes, which is mostly how strings compare: where it is not, a file is read that need not be. */
  #rowOf(name: string): number | undefined {
    const names = this.#before?.names ?? [];
    while (this.#next < names.length && (names[this.#next] ?? "") < name) this.#next += 1;
    return names[this.#next] === name ? this.#next : undefined;
  }

  /**
   * Under which other path the last walk saw this very file; undefined for one that has come since. A log that was rotated, and what lies in
   * a folder with another name, need not be stored again.
   */
  movedFrom(name: string, stats: BigIntStats): string | undefined {
    const { before } = this.#memory;
    // A file that was made since may have the inode of one that went.
    if (before === undefined || stats.birthtimeNs >= BigInt(Math.floor(before.begun)) * 1_000_000n) return undefined;
    const row = this.#rowOf(name);
    if (row !== undefined && this.#before?.rows.inode(row) === stats.ino) return undefined;
    return before.pathOf(stats.ino);
  }

  /** @param index of the name */
  note(index: number, kind: RowKind, stats: BigIntStats): void {
    const readAt = kind === ROWS.file ? this.#readAt : undefined;
    this.#noted.rows.note(index, kind, stats, readAt ?? this.#memory.now.now);
  }

  /** What isUntouched() or isSameFolder() was asked about last, and is. @param index of the name */
  noteAgain(index: number): void {
    if (this.#before !== undefined) this.#noted.rows.copy(index, this.#before.rows, this.#next);
  }

  /** Nothing more is asked or noted of it. */
  end(): void {
    this.#noted.end();
  }
}
