import { isStoredBefore } from "../tree/stored-order.ts";
import type { TreeEntry } from "../tree/tree-entry.ts";
import type { ReadRun } from "../tree/tree-reader.ts";

/** Runs that may still be asked for by their first entry: who stores is so far behind who reads, at most. */
const REMEMBERED_RUNS = 256;

/**
 * The entries of a tree for somebody who goes through one like it in the same order: read run by run as they are asked for, and
 * forgotten when they are passed. As objects all entries of a large tree would not fit into memory.
 */
export class BaseEntries {
  readonly #read: () => Iterator<ReadRun>;
  /** By the path of their first entry, in stored order. */
  readonly #recent: Map<string, ReadRun> = new Map();
  #runs: Iterator<ReadRun> | undefined;
  #run: ReadRun | undefined;
  #index = 0;
  #asked = "";

  readonly #remembers: number;

  /**
   * @param read begins to read the tree's runs, in stored order
   * @param remembers 0 where nobody asks for runs by their first entry
   */
  constructor(read: () => Iterator<ReadRun>, remembers: number = REMEMBERED_RUNS) {
    this.#read = read;
    this.#remembers = remembers;
  }

  /** Asked in stored order; who goes back has everything read again from the beginning. @throws DamageError */
  find(path: string): TreeEntry | undefined {
    // Mostly the one behind the last one is asked for.
    const likely = this.#run?.entries[this.#index + 1];
    if (likely?.entry.path === path) {
      this.#asked = path;
      this.#index += 1;
      return likely;
    }
    if (this.#runs === undefined || isStoredBefore(path, this.#asked)) this.#begin();
    this.#asked = path;
    for (let next = this.#here(); next !== undefined; next = this.#here()) {
      if (next.entry.path === path) return next;
      if (isStoredBefore(path, next.entry.path)) return undefined;
      this.#index += 1;
    }
    return undefined;
  }

  /** The run that begins with a path, when that is where it has come to. Asked in stored order, in place of find() or before it. @throws DamageError */
  runAt(path: string): ReadRun | undefined {
    if (this.#runs === undefined) this.#begin();
    const last = (this.#run?.entries.length ?? 0) - 1;
    if (this.#index > 0 && this.#index < last) return undefined;
    const here = this.#run?.entries[this.#index];
    // Its last one may have been found, or not be asked for any more.
    if (this.#index >= last && (here === undefined || isStoredBefore(here.entry.path, path))) this.#next();
    return this.#index === 0 && this.#run?.entries[0]?.entry.path === path ? this.#run : undefined;
  }

  /** What runAt() gave is not asked for any more. */
  pass({ entries }: ReadRun): void {
    this.#index = entries.length - 1;
    this.#asked = entries[this.#index]?.entry.path ?? this.#asked;
    this.#recent.delete(entries[0]?.entry.path ?? "");
  }

  /** Those behind the one that find() gave last, in its run. */
  behind(): readonly TreeEntry[] {
    return this.#run?.entries.slice(this.#index + 1) ?? [];
  }

  /** So many of those are not asked for any more. */
  skip(count: number): void {
    this.#index += count;
    this.#asked = this.#run?.entries[this.#index]?.entry.path ?? this.#asked;
  }

  /** The run that begins with a path, when it was read of late. Asked in stored order: those before it are forgotten. */
  runFrom(path: string): ReadRun | undefined {
    const found = this.#recent.get(path);
    if (found === undefined) return undefined;
    for (const first of this.#recent.keys()) {
      this.#recent.delete(first);
      if (first === path) break;
    }
    return found;
  }

  #begin(): void {
    this.#runs = this.#read();
    this.#recent.clear();
    [this.#run, this.#index] = [undefined, 0];
  }

  #here(): TreeEntry | undefined {
    while (this.#index >= (this.#run?.entries.length ?? 0)) if (!this.#next()) return undefined;
    return this.#run?.entries[this.#index];
  }

  /** @returns whether there is another run, of which none is passed */
  #next(): boolean {
    const next = this.#runs?.next();
    if (next === undefined || next.done === true) return false;
    [this.#run, this.#index] = [next.value, 0];
    this.#remember(next.value);
    return true;
  }

  #remember(run: ReadRun): void {
    const [first] = run.entries;
    if (first === undefined || this.#remembers === 0) return;
    this.#recent.set(first.entry.path, run);
    if (this.#recent.size <= this.#remembers) return;
    for (const oldest of this.#recent.keys()) {
      this.#recent.delete(oldest);
      break;
    }
  }
}
