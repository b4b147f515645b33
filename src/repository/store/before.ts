import { DamageError, InternalError } from "../../kernel/index.ts";
import type { BodyItem, BodyResult } from "../../local-vault/index.ts";
import {
  proofOf,
  type DatabaseLook,
  type KnownRecords,
  type KnownState,
  type RecordSink,
  type UntouchedEntries,
} from "../../vault/index.ts";
import type { ComponentCache } from "../cache/component-cache.ts";
import { OpenPageFile, type PageFile } from "../cache/page-file.ts";
import { RecordReader } from "../cache/record-file.ts";
import type { SideFile } from "../cache/side-file.ts";
import type { PageMap } from "../tree/page-map.ts";
import type { TreeContent, TreeEntry } from "../tree/tree-entry.ts";
import type { ReadRun } from "../tree/tree-reader.ts";
import type { Base } from "./base.ts";
import { hashStoredPages } from "./hash-stored-pages.ts";
import { isKept, knownFile, type KnownFile } from "./known-file.ts";
import { isSameDatabase } from "./is-same-database.ts";
import type { Kept, KeptEntries } from "./kept.ts";
import type { NextCache } from "./next-cache.ts";
import type { BeforeDatabase } from "./store-database.ts";

export interface BeforeOptions {
  readonly base: Base | undefined;
  readonly cache: ComponentCache | undefined;
  /** What becomes of it. */
  readonly next: NextCache;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly pageKey: Uint8Array;
  /** Makes a file for as long as this backup takes. */
  readonly newScratch: () => SideFile | undefined;
  /** Told how long a database is that was touched: it will be read soon. Bytes. */
  readonly onTouched: (bytes: number) => void;
}

/** What the backup before tells of a component: what of it need not be read, and what need not be stored. */
export class Before implements KnownState {
  readonly #options: BeforeOptions;
  readonly #warnings: Set<string> = new Set();
  readonly #maps: Map<PageMap["ref"], PageMap> = new Map();
  /** Databases of which the reading was told that they are here as they are there. */
  readonly #told: Set<string> = new Set();
  #isGivenUp = false;
  #reader: RecordReader | undefined;

  constructor(options: BeforeOptions) {
    this.#options = options;
  }

  /** What the next backup may know. */
  get next(): NextCache {
    return this.#options.next;
  }

  get manifestSha256(): string | undefined {
    return this.#options.base?.backup?.sha256;
  }

  get memory(): KnownRecords | undefined {
    const { memory } = this.#options.cache ?? {};
    if (memory === undefined) return undefined;
    const reader = (this.#reader ??= new RecordReader(memory.records));
    return { head: memory.head, read: (position, length) => reader.read(position, length) };
  }

  readonly newRecords = (): RecordSink => this.next.newRecords();

  /** The same with nothing to compare with. */
  withoutBase(): Before {
    return new Before({ ...this.#options, base: undefined, cache: undefined });
  }

  /** Another backup is compared with in place of this one: a reading that asks here from now on is told that nothing is known. */
  giveUp(): void {
    this.#isGivenUp = true;
  }

  get whole(): boolean {
    const { base, cache } = this.#options;
    return !this.#isGivenUp && cache !== undefined && base?.backup !== undefined && base.isKept;
  }

  isDatabaseSame(path: string, look: DatabaseLook): boolean {
    const { cache, now, onTouched } = this.#options;
    const seen = this.#isGivenUp ? undefined : cache?.databases.get(path);
    const same = cache !== undefined && seen !== undefined && isSameDatabase(seen, look, cache.begun, now);
    if (!same) onTouched(look.file.size);
    return same;
  }

  hasDatabase(path: string, look: DatabaseLook): boolean {
    if (!this.isDatabaseSame(path, look)) return false;
    const content = this.#find(path)?.content;
    const map = content?.kind === "pages" ? this.#pageMap(path, content.map) : undefined;
    if (map === undefined || !this.#keepsMap(map)) return false;
    this.#told.add(path);
    return true;
  }

  /**
   * Entries from one of them on as they were stored, when they may be named again: all of a run, or those of it that are still there.
   *
   * @param goesOn whether more may come behind the last of them: then a run of which these are the front is waited for
   */
  untouched(entries: UntouchedEntries["entries"], from: number, goesOn: boolean): KeptEntries | "front" | undefined {
    // What is untouched is so beside the memory that was given, and beside no other.
    const first = this.#options.cache?.memory === undefined ? undefined : entries[from];
    if (first === undefined) return undefined;
    const run = this.#runAt(first.path);
    if (run !== undefined && isRunOf(run, entries, from) && this.#keepsRun(run)) {
      if (run.entries.length <= entries.length - from) {
        this.#options.base?.pass(run);
        return { entries: run.entries as KeptEntries["entries"], run };
      }
      if (goesOn) return "front";
    }
    const known = this.#find(first.path);
    const kept = known === undefined ? [] : this.#keptOf([known, ...(this.#options.base?.behind() ?? [])], entries, from);
    if (kept.length === 0) return undefined;
    this.#options.base?.skip(kept.length - 1);
    return { entries: kept, run: undefined };
  }

  /** Those of a run that are the entries from one on, and may be named again. */
  #keptOf(run: readonly TreeEntry[], entries: UntouchedEntries["entries"], from: number): KeptEntries["entries"] {
    const end = run.findIndex((known, index) => {
      const other = entries[from + index];
      return other === undefined || !isSameEntry(known, other) || !this.#keeps(known.content);
    });
    return (end < 0 ? run : run.slice(0, end)) as KeptEntries["entries"];
  }

  /** A database that the reading was told to be known: here, and beside no other backup. */
  known(item: BodyItem): BodyResult<Kept> {
    const { path } = item.head;
    if (!this.#told.has(path)) throw new InternalError(`"${path}" is called known, and nobody was told so`);
    const { entry, content } = this.#entry(path);
    this.next.keepDatabase(path, this.#options.cache?.databases.get(path));
    const kept: Kept = content.kind === "pages" ? { kind: "map", map: this.#pageMap(path, content.map) ?? refuse(path) } : content;
    return { item, stored: true, size: entry.size, proof: proofOf(entry), facts: undefined, change: undefined, kept };
  }

  /**
   * What was stored where a file lay by its inode, if that was elsewhere, and at its path: a program that saves to a second file and gives it the name
   * of the first may well write what the first had.
   */
  file(path: string, movedFrom: string | undefined): KnownFile | undefined {
    // Asked in any case: the entries are gone through in order.
    const there = this.#find(path);
    const moved = movedFrom === undefined ? undefined : this.#findMoved(movedFrom);
    return knownFile([moved, there], (pack) => this.#options.base?.keeps(pack) === true);
  }

  /** One that cannot be read there is told of when its own turn comes. */
  #findMoved(path: string): TreeEntry | undefined {
    try {
      return this.#options.base?.findMoved(path);
    } catch (error) {
      if (!(error instanceof DamageError)) throw error;
      return undefined;
    }
  }

  /** @param goOn asked meanwhile: throws when the backup is to end */
  async database(path: string, pageSize: number, goOn: () => void): Promise<BeforeDatabase | undefined> {
    const { base } = this.#options;
    const content = this.#find(path)?.content;
    if (base === undefined || content?.kind !== "pages" || content.map.pageSize !== pageSize) return undefined;
    const map = this.#pageMap(path, content.map);
    const file = map === undefined ? undefined : (this.#remembered(path, map) ?? (await this.#readPages(path, map, goOn)));
    if (map === undefined || file === undefined) return undefined;
    const forced: number[] = [];
    for (const { first, pages, pack } of map.resolved.extents())
      if (!base.keeps(pack)) for (let page = first; page < first + pages; page += 1) forced.push(page);
    return { map, file, forced: Uint32Array.from(forced) };
  }

  #find(path: string): TreeEntry | undefined {
    return this.#orWarn(`Everything from "${path}" on is`, () => this.#options.base?.find(path));
  }

  #runAt(path: string): ReadRun | undefined {
    return this.#orWarn(`Everything from "${path}" on is`, () => this.#options.base?.runAt(path));
  }

  #pageMap(path: string, ref: PageMap["ref"]): PageMap | undefined {
    const known = this.#maps.get(ref);
    if (known !== undefined) return known;
    const map = this.#orWarn(`"${path}" is`, () => this.#options.base?.pageMap(ref));
    if (map !== undefined) this.#maps.set(ref, map);
    return map;
  }

  /** What the pages were, when all of it can be read. */
  #remembered(path: string, { ref }: PageMap): PageFile | undefined {
    const file = this.#options.cache?.databases.get(path)?.pages;
    if (file?.pageSize !== ref.pageSize || file.pages !== ref.pages) return undefined;
    using opened = OpenPageFile.open(file, "r");
    return opened?.isWhole() === true ? file : undefined;
  }

  /** The same out of the vault: beside the state there may be no room for it. */
  async #readPages(path: string, { ref, resolved }: PageMap, goOn: () => void): Promise<PageFile | undefined> {
    const { base, pageKey, newScratch } = this.#options;
    const scratch = newScratch();
    const file = scratch === undefined ? undefined : { ...scratch, pageSize: ref.pageSize, pages: ref.pages };
    try {
      if (base !== undefined && file !== undefined && (await base.passing((read) => hashStoredPages(file, resolved, pageKey, read, goOn))))
        return file;
    } catch (error) {
      return this.#warn(`"${path}" is`, error);
    }
    this.#warnings.add(`"${path}" is stored anew: what its pages were is not remembered, and cannot be written down`);
    return undefined;
  }

  /** What cannot be read of the backup before is no reason to take none now: it is stored anew. */
  #orWarn<T>(subject: string, read: () => T | undefined): T | undefined {
    try {
      return read();
    } catch (error) {
      return this.#warn(subject, error);
    }
  }

  #warn(subject: string, error: unknown): undefined {
    if (!(error instanceof DamageError)) throw error;
    this.#warnings.add(`${subject} stored anew, because it is damaged in ${nameOf(this.#options.base)}: ${error.message}`);
  }

  /** For people. */
  get warnings(): readonly string[] {
    return [...this.#warnings];
  }

  #keepsMap({ ref, resolved }: PageMap): boolean {
    const { base } = this.#options;
    if (![...ref.blocks, ...ref.layers].every(({ place }) => base?.keeps(place.pack) === true)) return false;
    for (const { pack } of resolved.extents()) if (base?.keeps(pack) !== true) return false;
    return true;
  }

  #keeps(content: TreeContent): boolean {
    const { base } = this.#options;
    return base !== undefined && content.kind !== "pages" && isKept(content, (pack) => base.keeps(pack));
  }

  #keepsRun({ entries }: ReadRun): boolean {
    return entries.every(({ content }) => isInOnePlace(content) && this.#keeps(content));
  }

  #entry(path: string): TreeEntry {
    const known = this.#find(path);
    if (known === undefined) throw new InternalError(`"${path}" was not in the backup before`);
    return known;
  }
}

/** Whether a run is of entries from one on, or begins with all that there are from there on. */
function isRunOf({ entries: run }: ReadRun, entries: UntouchedEntries["entries"], from: number): boolean {
  return run.every((entry, index) => {
    const other = entries[from + index];
    return other === undefined || isSameEntry(entry, other);
  });
}

function isSameEntry({ entry }: TreeEntry, { path, type, size }: UntouchedEntries["entries"][number]): boolean {
  // What was another name then, and is the first one now, must say by its own entry what is in it.
  return entry.path === path && entry.size === size && entry.type === type && entry.hard_link === undefined;
}

function isInOnePlace({ kind }: TreeContent): boolean {
  return kind === "place" || kind === "none";
}

function nameOf(base: Base | undefined): string {
  return base?.backup === undefined ? "what an unfinished backup had stored" : `backup "${base.backup.id}"`;
}

function refuse(path: string): never {
  throw new InternalError(`"${path}" is called known, and its map cannot be read`);
}
