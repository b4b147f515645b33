import { scanPages } from "../split/page-scan.ts";
import type { ContentSink } from "./content-sink.ts";
import { FRAME_BYTES } from "./frame-store.ts";
import type { PagesDone, PagesJob, StoredPages } from "./jobs.ts";
import { SpanReader } from "./span-reader.ts";

/** Stores the pages of a range that have changed, as many as fit into a frame together. */
export function storePages(job: PagesJob, frames: ContentSink): PagesDone {
  using reader = new SpanReader(job.spans);
  const { from, to, key, previous, next } = job;
  const scanned = scanPages({ read: reader.read, from, to, key, previous, next });
  const changed = job.forced.length === 0 ? scanned : merged(scanned, job.forced);
  const { pageSize } = next;
  const buffer = Buffer.allocUnsafe(Math.min(FRAME_BYTES, changed.length * pageSize));
  const perFrame = FRAME_BYTES / pageSize;
  const stored: StoredPages[] = [];
  for (let first = 0; first < changed.length; first += perFrame) {
    const pages = Math.min(perFrame, changed.length - first);
    for (let index = 0; index < pages; index += runLength(changed, first + index, first + pages)) {
      const length = runLength(changed, first + index, first + pages) * pageSize;
      reader.read(buffer.subarray(index * pageSize), length, (changed[first + index] as number) * pageSize);
    }
    stored.push({ place: frames.add(buffer.subarray(0, pages * pageSize)), pages });
  }
  return { changed, stored };
}

/** How many pages from an index on lie one after another. */
function runLength(pages: Uint32Array, from: number, to: number): number {
  let end = from + 1;
  while (end < to && pages[end] === (pages[end - 1] as number) + 1) end += 1;
  return end - from;
}

/** Two rising lists as one, without doubles. */
function merged(one: Uint32Array, other: Uint32Array): Uint32Array {
  return Uint32Array.from(new Set([...one, ...other])).toSorted();
}
