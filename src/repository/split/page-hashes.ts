import { freeBuffer, InternalError } from "../../kernel/index.ts";
import { GROUP_BYTES, SUM_BYTES } from "../../vault/index.ts";

/** Of a page hash and of a group's MAC. */
export const HASH_BYTES = 16;
/** Of a database: so much of it is scanned at a time, and what its pages are is remembered together. Whole groups. */
export const STRETCH_BYTES: number = 16 * 1024 * 1024;
const SMALLEST_PAGE = 512;
const LARGEST_PAGE = 65_536;

/** What the pages of a stretch of a database were when it was last stored: a hint to find the changed ones. */
export interface PageHashes {
  readonly pageSize: number;
  readonly pages: number;
  /** HASH_BYTES for each page. */
  readonly hashes: Uint8Array;
  /** HASH_BYTES for each group of pagesPerGroup(pageSize) pages. */
  readonly macs: Uint8Array;
  /** SUM_BYTES for each group: its SHA-256, of which the `pages_sha256` of the database is made. */
  readonly sums: Uint8Array;
}

/** All zeros, to be filled by scanPages(). @param bytes of all three, of pageHashesLength(); of its own unless given */
export function makePageHashes(pageSize: number, pages: number, bytes?: Uint8Array): PageHashes {
  const groups = Math.ceil(pages / pagesPerGroup(pageSize));
  const [macsEnd, sumsEnd] = [groups * HASH_BYTES, groups * (HASH_BYTES + SUM_BYTES)];
  const all = bytes ?? new Uint8Array(pageHashesLength(pageSize, pages));
  return { pageSize, pages, macs: all.subarray(0, macsEnd), sums: all.subarray(macsEnd, sumsEnd), hashes: all.subarray(sumsEnd) };
}

/** Of memory that makePageHashes() was given or made, when nobody looks at it any more. */
export function freePageHashes({ hashes }: PageHashes): void {
  freeBuffer(hashes);
}

export function pageHashesLength(pageSize: number, pages: number): number {
  return Math.ceil(pages / pagesPerGroup(pageSize)) * (HASH_BYTES + SUM_BYTES) + pages * HASH_BYTES;
}

/**
 * Pages are looked at in groups first. With 1,000 of 65,536 pages changed anywhere, 64 KiB cost less
 * than 128 or 256: fewer pages lie in a group that differs, and the MAC is cheap either way.
 *
 * @throws InternalError for what is no page size of SQLite
 */
export function pagesPerGroup(pageSize: number): number {
  if (pageSize >= SMALLEST_PAGE && pageSize <= LARGEST_PAGE && Number.isInteger(Math.log2(pageSize))) return GROUP_BYTES / pageSize;
  throw new InternalError(`A database has no pages of ${pageSize} bytes`);
}

/** Whether the parts of a state that was read from somewhere agree with one another. */
export function isWhole({ pageSize, pages, hashes, macs, sums }: PageHashes): boolean {
  const groups = Math.ceil(pages / pagesPerGroup(pageSize));
  return hashes.length === pages * HASH_BYTES && macs.length === groups * HASH_BYTES && sums.length === groups * SUM_BYTES;
}
