import type { ContentEnd, Span } from "../../vault/index.ts";
import type { Locator } from "../pack/locator.ts";
import { makePageHashes, pagesPerGroup, type PageHashes } from "../split/page-hashes.ts";
import { updatePageMap, type PageMap } from "../tree/page-map.ts";
import { PAGES_LIMIT } from "../tree/content-codec.ts";
import type { Keeping } from "../tree/reference-index.ts";
import type { PagesDone } from "./jobs.ts";
import { SpanReader } from "./span-reader.ts";
import type { Threads } from "./threads.ts";

/** Bytes of a database that one job looks at. */
const RANGE_BYTES = 16 * 1024 * 1024;
const HEADER = 100;
const MAGIC = "SQLite format 3\0";

/** What is known of the database from the backup before. */
export interface BeforeDatabase {
  readonly map: PageMap;
  readonly hashes: PageHashes;
  /** Rising numbers of pages that may not be named where they lie. */
  readonly forced: Uint32Array;
}

export interface StoredDatabase {
  readonly end: ContentEnd & { readonly stored: true };
  readonly hashes: PageHashes;
  /** Puts what changed of the map; comes after all content. */
  readonly writeMap: (keeping: Keeping) => PageMap;
}

/** The size of a database's pages, from its header; undefined when it is none, not a whole number of pages, or more than a map holds. */
export function pageSizeOf(spans: readonly Span[]): number | undefined {
  using reader = new SpanReader(spans);
  const header = Buffer.alloc(HEADER);
  if (reader.read(header, HEADER, 0) < HEADER || header.toString("latin1", 0, MAGIC.length) !== MAGIC) return undefined;
  const stated = header.readUInt16BE(16);
  const size = stated === 1 ? 65_536 : stated;
  const fits = reader.size / size <= PAGES_LIMIT;
  return fits && size >= 512 && Number.isInteger(Math.log2(size)) && reader.size % size === 0 ? size : undefined;
}

/** Stores the pages of a private copy of a database that differ from the backup before. */
export async function storeDatabase(
  spans: readonly Span[],
  pageSize: number,
  before: BeforeDatabase | undefined,
  threads: Threads,
  key: Uint8Array,
): Promise<StoredDatabase> {
  const size = spans.reduce((sum, span) => sum + span.length, 0);
  const pages = size / pageSize;
  const next = makePageHashes(pageSize, pages);
  const digest = threads.digest(spans, size);
  // Its failure is met when its turn comes.
  digest.catch(() => {});
  const done = await storeRanges({ spans, pages, next, before, key }, threads);
  const sha256 = await digest;
  const changed = joined(done.map((range) => range.changed));
  const places: Locator[] = done.flatMap((range) => range.stored.map(({ place }) => threads.place(place)));
  const previous = before === undefined ? {} : { previous: before.map };
  return {
    end: { stored: true, size, sha256, change: undefined },
    hashes: next,
    writeMap: (keeping) => updatePageMap({ ...keeping, ...previous, pageSize, pages, changed, places }),
  };
}

function joined(lists: readonly Uint32Array[]): Uint32Array {
  const whole = new Uint32Array(lists.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const list of lists) {
    whole.set(list, at);
    at += list.length;
  }
  return whole;
}

interface Ranges {
  readonly spans: readonly Span[];
  readonly pages: number;
  readonly next: PageHashes;
  readonly before: BeforeDatabase | undefined;
  readonly key: Uint8Array;
}

/** As many at once as keep the threads busy; the answers in the order of the pages. */
async function storeRanges({ spans, pages, next, before, key }: Ranges, threads: Threads): Promise<readonly PagesDone[]> {
  const step = Math.ceil(RANGE_BYTES / next.pageSize / pagesPerGroup(next.pageSize)) * pagesPerGroup(next.pageSize);
  const starts = Array.from({ length: Math.ceil(pages / step) }, (_, number) => number * step);
  const done: PagesDone[] = [];
  const work = async (): Promise<void> => {
    for (let from = starts.shift(); from !== undefined; from = starts.shift()) {
      const to = Math.min(from + step, pages);
      const forced = (before?.forced ?? new Uint32Array(0)).filter((page) => page >= (from ?? 0) && page < to);
      done[from / step] = await threads.pages({ spans, from, to, key, previous: before?.hashes, next, forced });
    }
  };
  await Promise.all(Array.from({ length: threads.width }, work));
  return done;
}
