import { hash } from "node:crypto";
import { CaptureError, freeBuffer, InternalError } from "../../kernel/index.ts";
import { SUM_BYTES } from "../../vault/index.ts";
import { PageDigests } from "./page-digests.ts";
import { HASH_BYTES, isWhole, pagesPerGroup, type PageHashes } from "./page-hashes.ts";

/** Read at once; holds whole groups, and stays in the core's cache until its pages are hashed. */
const PIECE_BYTES = 256 * 1024;

export interface PageScan {
  /** Fills the front of `buffer` with `wanted` bytes of the stretch and says how many there were; fewer only at its end. */
  readonly read: (buffer: Uint8Array, wanted: number, position: number) => number;
  /** Number of the first page, which begins a group. */
  readonly first: number;
  /** 32 bytes, those of the previous state, for this cache alone. */
  readonly key: Uint8Array;
  /** Of the stretch that begins there. */
  readonly previous: PageHashes | undefined;
  /** The new state, which is written. Void when this throws. */
  readonly next: PageHashes;
}

/**
 * The numbers of the pages of a stretch that are not as they were, in order, counted from the first page of the database.
 *
 * What is trusted: that a previous state which is whole tells of exactly the pages that were stored. A wrong MAC or hash in
 * it only calls more pages changed, with one exception that nothing here can see: a hash, or the MAC of a group, that is
 * that of the *present* content while another content was stored. So a state is kept sealed, is named by what is known of
 * one backup, and is given here for no other backup than that one. A group whose MAC agrees carries its page hashes on unread, and its
 * SHA-256, of which the hash is made by which a restore is judged: that was made of the bytes that the MAC was made of, and not of what was
 * stored, so that it is the present content's as surely as the MAC is, and what lies in the vault is still compared with what was read.
 *
 * The new state tells of the bytes that were read here: it is good only when the pages stored are those very bytes, and a
 * reading that moved meanwhile takes it down with it.
 *
 * Without a previous state, or with one of another page size or not whole, every page is changed.
 *
 * @throws CaptureError COMPONENT_MOVED when the database ends before its last page
 */
export function scanPages({ read, first, key, previous, next }: PageScan): Uint32Array {
  const { pageSize, pages } = next;
  const perGroup = pagesPerGroup(pageSize);
  if (!(first >= 0 && first % perGroup === 0) || !isWhole(next)) {
    throw new InternalError(`${pages} pages from ${first} on cannot be scanned apart`);
  }
  const before = previous?.pageSize === pageSize && isWhole(previous) ? previous : undefined;
  const range = new Range(new PageDigests(key, pageSize), first, before, next);
  const perPiece = PIECE_BYTES / pageSize;
  const buffer = new Uint8Array(Math.min(PIECE_BYTES, pages * pageSize));
  for (let from = 0; from < pages; from += perPiece) {
    const wanted = Math.min(perPiece, pages - from) * pageSize;
    if (read(buffer, wanted, from * pageSize) !== wanted) throw endedEarly(first + pages);
    for (let done = 0; done < wanted; done += perGroup * pageSize) {
      range.group(buffer.subarray(done, Math.min(done + perGroup * pageSize, wanted)), (from + done / pageSize) / perGroup);
    }
  }
  freeBuffer(buffer);
  return range.changed();
}

class Range {
  readonly #digests: PageDigests;
  readonly #first: number;
  readonly #previous: PageHashes | undefined;
  readonly #next: PageHashes;
  readonly #changed: Uint32Array;
  #count = 0;

  constructor(digests: PageDigests, first: number, previous: PageHashes | undefined, next: PageHashes) {
    this.#digests = digests;
    this.#first = first;
    this.#previous = previous;
    this.#next = next;
    this.#changed = new Uint32Array(next.pages);
  }

  /** @param group of the stretch */
  group(bytes: Uint8Array, group: number): void {
    const { pageSize } = this.#next;
    const perGroup = pagesPerGroup(pageSize);
    this.#next.macs.set(this.#digests.group(bytes, this.#first / perGroup + group), group * HASH_BYTES);
    const first = group * perGroup;
    const end = first + bytes.length / pageSize;
    // The last group of a database that grew or shrank has another length, and with that another MAC.
    if (this.#previous !== undefined && agree(this.#previous.macs, this.#next.macs, group * HASH_BYTES)) {
      this.#next.sums.set(this.#previous.sums.subarray(group * SUM_BYTES, (group + 1) * SUM_BYTES), group * SUM_BYTES);
      this.#next.hashes.set(this.#previous.hashes.subarray(first * HASH_BYTES, end * HASH_BYTES), first * HASH_BYTES);
      return;
    }
    this.#next.sums.set(hash("sha256", bytes, "buffer"), group * SUM_BYTES);
    for (let page = first; page < end; page += 1) {
      const start = (page - first) * pageSize;
      this.#page(bytes.subarray(start, start + pageSize), page);
    }
  }

  changed(): Uint32Array {
    return this.#changed.slice(0, this.#count);
  }

  #page(bytes: Uint8Array, page: number): void {
    const { hashes } = this.#next;
    const digest = this.#digests.page(bytes);
    const start = page * HASH_BYTES;
    for (let at = 0; at < HASH_BYTES; at += 1) hashes[start + at] = digest.charCodeAt(at);
    if (this.#previous !== undefined && agree(this.#previous.hashes, hashes, start)) return;
    this.#changed[this.#count] = this.#first + page;
    this.#count += 1;
  }
}

/** Behind the end of either nothing agrees. In a loop: a call of Buffer.compare() for each page costs a tenth of its hash. */
function agree(one: Uint8Array, other: Uint8Array, start: number): boolean {
  for (let at = start; at < start + HASH_BYTES; at += 1) {
    if (one[at] !== other[at]) return false;
  }
  return true;
}

function endedEarly(pages: number): CaptureError {
  return new CaptureError("COMPONENT_MOVED", `The database ends before its ${pages} pages`, {
    hint: "Try again when nothing shortens it",
  });
}
