import { monotonicNow } from "../../kernel/index.ts";
import type { Listing } from "../../vault/index.ts";
import type { Layout } from "../layout.ts";
import { makeListing } from "./listing.ts";
import { isSame, isSettled, ReadBefore, SETTLED, stampAt, type Stamp } from "./read-before.ts";
import { readDocuments } from "./read-documents.ts";

export interface ListingCacheOptions {
  /** For tests: how long a file is still before it is remembered, in milliseconds. */
  readonly settled?: number;
  /** For tests: how many files are many. */
  readonly many?: number;
  readonly monotonic?: () => number;
}

/** From so many files on, looking at each of them takes a daemon's thread long enough to be felt. */
const MANY = 1000;
/** Of the time that passes, one part in so many may go into looking at every file. */
const SHARE = 50;

/** A listing of a vault with many files, and what the folders looked like before it was made. */
interface Last {
  readonly listing: Listing;
  readonly folders: readonly (Stamp | undefined)[];
  /** Until then a file that changed in its place may go unnoticed. */
  readonly until: number;
}

/**
 * The listings of one vault, for a process that lives long and only looks: a file is read again when a look at it says
 * that it has changed, and forgotten when it is gone.
 *
 * What appears, goes, is renamed or replaced, marks and removal records included, is in the very next listing, always. So
 * is what changes in its place, as damage does, as long as the vault has a thousand files or fewer. In a larger one every
 * file is looked at again only after fifty times as long as the last such look has taken: some seconds with ten thousand
 * backups. Verifying, restoring, and everything that writes do not use it.
 */
export class ListingCache {
  readonly #settled: number;
  readonly #many: number;
  readonly #monotonic: () => number;
  #of: { readonly top: string; readonly vault: string; readonly reads: ReadBefore } | undefined;
  #last: Last | undefined;

  constructor({ settled = SETTLED, many = MANY, monotonic = monotonicNow }: ListingCacheOptions = {}) {
    this.#settled = settled;
    this.#many = many;
    this.#monotonic = monotonic;
  }

  /** How often a file did not have to be read. */
  get recalled(): number {
    return this.#of?.reads.recalled ?? 0;
  }

  list(layout: Layout, vault: string): Listing {
    const reads = this.#readsOf(layout, vault);
    const begun = this.#monotonic();
    // Looked at before anything is read: what changes meanwhile is seen the next time.
    const folders = [layout.top, layout.marks, layout.records, layout.trash, layout.newest].map((path) => stampAt(path));
    const last = this.#last;
    if (last !== undefined && begun < last.until && folders.every((stamp, index) => isSame(stamp, last.folders[index])))
      return last.listing;
    const still = folders.every((stamp) => stamp === undefined || isSettled(stamp, this.#settled));
    const listing = makeListing(layout, readDocuments(layout, vault, reads), reads);
    reads.endRound();
    const ended = this.#monotonic();
    this.#last = still && reads.size > this.#many ? { listing, folders, until: ended + SHARE * (ended - begun) } : undefined;
    return listing;
  }

  #readsOf({ top }: Layout, vault: string): ReadBefore {
    if (this.#of === undefined || this.#of.top !== top || this.#of.vault !== vault) {
      this.#of = { top, vault, reads: new ReadBefore(this.#settled) };
      this.#last = undefined;
    }
    return this.#of.reads;
  }
}
