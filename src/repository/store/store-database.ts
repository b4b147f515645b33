import { PagesHash, type ContentProof, type Span } from "../../vault/index.ts";
import type { Locator } from "../pack/locator.ts";
import { pagesPerStretch, type PageFile } from "../cache/page-file.ts";
import { removeSideFile } from "../cache/side-file.ts";
import { newPageMap, updatePageMap, type PageMap, type WrittenMap } from "../tree/page-map.ts";
import { PAGES_LIMIT } from "../tree/content-codec.ts";
import type { Keeping } from "../tree/reference-index.ts";
import { joined } from "./joined.ts";
import type { PagesDone, PagesJob } from "./jobs.ts";
import { SpanReader } from "./span-reader.ts";
import { spansBetween } from "./spans-between.ts";
import type { Threads } from "./threads.ts";

/** When the backup before had less than this part of it, there is much to store, for both threads. */
const NEARLY_ALL = 0.9;
/** Of one that has hardly changed, so much is gone through at a time: what is told of it takes memory, and nobody else has the thread meanwhile. Whole stretches. */
const PART_BYTES: number = 1024 * 1024 * 1024;
const HEADER = 100;
const MAGIC = "SQLite format 3\0";

/** What is known of the database from the backup before. */
export interface BeforeDatabase {
  readonly map: PageMap;
  /** What its pages were. */
  readonly file: PageFile;
  /** Rising numbers of pages that may not be named where they lie. */
  readonly forced: Uint32Array;
}

export interface StoredDatabase {
  /** Bytes. */
  readonly size: number;
  readonly proof: ContentProof;
  /** What its pages are; undefined when that could not be written down. */
  readonly file: PageFile | undefined;
  /** Puts what changed of the map, once its content is stored. */
  readonly writeMap: (keeping: Keeping) => WrittenMap;
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

export interface DatabaseToStore {
  readonly spans: readonly Span[];
  readonly pageSize: number;
  readonly before: BeforeDatabase | undefined;
  readonly threads: Threads;
  /** Whether it is proved by its whole content, as in a backup that it was taken from, and not by its groups. */
  readonly byContent: boolean;
  /** 32 bytes, for the hashes of pages. */
  readonly key: Uint8Array;
  /** Makes the file for what the pages are. */
  readonly newFile: (pageSize: number, pages: number) => PageFile | undefined;
  /** Called with the bytes that were stored since the last call; `front` is what of the database can be named by then. */
  readonly onStored: (bytes: number, front: () => DatabaseFront | undefined) => Promise<void>;
}

/** Pages from the first one on. */
export interface DatabaseFront {
  /** Bytes. */
  readonly size: number;
  readonly writeMap: StoredDatabase["writeMap"];
}

/** Stores the pages of a database that differ from the backup before; nobody else writes what the spans mean. */
export async function storeDatabase(database: DatabaseToStore): Promise<StoredDatabase> {
  const { spans, pageSize, before, threads, key, newFile } = database;
  const size = spans.reduce((sum, span) => sum + span.length, 0);
  const pages = size / pageSize;
  const next = newFile(pageSize, pages);
  const ranges: Ranges = { spans, pageSize, pages, before, next, key, done: [], hash: new PagesHash() };
  const much = before === undefined || before.map.ref.pages < pages * NEARLY_ALL;
  // Of what is stored once more, under the hash that it was stored under.
  const whole = database.byContent ? threads.digest(spans, size) : undefined;
  // Its failure is met when its turn comes.
  whole?.catch(() => {});
  if (much) await storeRanges(ranges, database);
  else await storeChanges(ranges, database);
  const file = ranges.done.every(({ noted }) => noted) ? next : undefined;
  if (file === undefined && next !== undefined) removeSideFile(next);
  const sha256 = await whole;
  const proof = sha256 === undefined ? { pages_sha256: ranges.hash.digest() } : { sha256 };
  return { size, proof, file, writeMap: mapOf(ranges, pages, database) };
}

/** @param pages the first of them, which are stored */
function mapOf({ done, pageSize }: Ranges, pages: number, { before, threads }: DatabaseToStore): StoredDatabase["writeMap"] {
  return (keeping) => {
    const places: Locator[] = done.flatMap((range) => range.stored.map(({ place }) => threads.place(place)));
    if (before === undefined) return newPageMap({ ...keeping, pageSize, pages, places });
    const changed = joined(done.flatMap((range) => range.changed ?? []));
    return updatePageMap({ ...keeping, previous: before.map, pageSize, pages, changed, places });
  };
}

interface Ranges {
  readonly spans: readonly Span[];
  readonly pageSize: number;
  readonly pages: number;
  readonly next: PageFile | undefined;
  readonly before: BeforeDatabase | undefined;
  readonly key: Uint8Array;
  /** What was stored of each range, in order. */
  readonly done: Omit<PagesDone, "sums">[];
  /** Over their groups. */
  readonly hash: PagesHash;
}

/** One part after the other in one thread: others have the other thread. */
async function storeChanges(ranges: Ranges, { threads, onStored }: DatabaseToStore): Promise<void> {
  const { pageSize, pages } = ranges;
  const step = PART_BYTES / pageSize;
  for (let from = 0; from < pages; from += step) {
    const stored = await threads.wholePages(jobOf(ranges, from, Math.min(from + step, pages)));
    settle(ranges, stored);
    await onStored(stored.stored.reduce((sum, { pages: many }) => sum + many, 0) * pageSize, () => undefined);
  }
}

/** In the order of the pages. */
function settle({ hash, done }: Ranges, { sums, ...range }: PagesDone): void {
  hash.addSums(sums);
  done.push(range);
}

function jobOf({ spans, pageSize, before, next, key }: Ranges, from: number, to: number): PagesJob {
  // It may have shrunk since.
  const forced = (before?.forced ?? new Uint32Array(0)).filter((page) => page >= from && page < to);
  return { spans: spansBetween(spans, from * pageSize, to * pageSize), pageSize, from, to, key, previous: before?.file, next, forced };
}

/** As many at once as keep the threads busy; the answers in the order of the pages. */
async function storeRanges(ranges: Ranges, database: DatabaseToStore): Promise<void> {
  const { pageSize, pages, done } = ranges;
  const { threads, onStored } = database;
  const step = pagesPerStretch(pageSize);
  const starts = Array.from({ length: Math.ceil(pages / step) }, (_, number) => number * step);
  // One may be ready before the one in front of it.
  const ready = new Map<number, PagesDone>();
  const front = (): DatabaseFront | undefined => {
    const stored = Math.min(done.length * step, pages);
    const part = { ...ranges, done: [...done] };
    return stored === 0 ? undefined : { size: stored * pageSize, writeMap: mapOf(part, stored, database) };
  };
  const failures: unknown[] = [];
  const work = async (): Promise<void> => {
    for (let from = starts.shift(); from !== undefined && failures.length === 0; from = starts.shift()) {
      const stored = await threads.pages(jobOf(ranges, from, Math.min(from + step, pages)));
      ready.set(from / step, stored);
      for (let range = ready.get(done.length); range !== undefined; range = ready.get(done.length)) settle(ranges, range);
      await onStored(stored.stored.reduce((sum, { pages: many }) => sum + many, 0) * pageSize, front);
    }
  };
  // Nobody may go on storing for a backup that is given up: all have ended before the first failure is told.
  await Promise.all(Array.from({ length: threads.width }, () => work().catch((error: unknown) => void failures.push(error))));
  if (failures.length > 0) throw failures[0];
}
