import type { BigIntStats } from "node:fs";
import { isRecentlyRead } from "../../vault/index.ts";
import { ROWS, type RowKind } from "./rows.ts";
import { splitNames, type TreeMemory, type TreeNotes } from "./tree-memory.ts";

/** What the last walk saw, and where this one notes what it sees. */
export interface WalkMemory {
  readonly before: TreeMemory | undefined;
  readonly now: TreeNotes;
}

/** One folder while a walk goes through it in order: what it was, and what it is. */
export class FolderMemory {
  readonly #memory: WalkMemory;
  readonly #first: number;
  readonly #names: readonly string[];
  readonly #firstBefore: number;
  #next = 0;
  /** Of the name that was asked about last. */
  #readAt: number | undefined;

  /** @param names in order */
  constructor(memory: WalkMemory, path: string, names: readonly string[]) {
    const before = memory.before?.folder(path);
    this.#memory = memory;
    this.#first = memory.now.folder(path, names);
    this.#names = before === undefined ? [] : splitNames(before.names());
    this.#firstBefore = before?.first ?? 0;
  }

  /** Whether a file looks as it did when its bytes were last read, and that is not long ago. Asked in the order of the names. */
  isUntouched(name: string, stats: BigIntStats): boolean {
    const { before, now } = this.#memory;
    this.#readAt = undefined;
    const row = before === undefined ? undefined : this.#rowOf(name);
    if (before === undefined || row === undefined) return false;
    const same = before.rows.kind(row) === ROWS.file && before.rows.isSame(row, stats, before.settled);
    if (!same || !isRecentlyRead(before.rows.readAt(row), now.now)) return false;
    this.#readAt = before.rows.readAt(row);
    return true;
  }

  /** Names come sorted by their bytes, which is mostly how strings compare: where it is not, a file is read that need not be. */
  #rowOf(name: string): number | undefined {
    const names = this.#names;
    while (this.#next < names.length && (names[this.#next] ?? "") < name) this.#next += 1;
    return names[this.#next] === name ? this.#firstBefore + this.#next : undefined;
  }

  /** @param index of the name */
  note(index: number, kind: RowKind, stats: BigIntStats): void {
    const readAt = kind === ROWS.file ? this.#readAt : undefined;
    this.#memory.now.rows.note(this.#first + index, kind, stats, readAt ?? this.#memory.now.now);
  }
}
