import { freeBuffer } from "../../kernel/index.ts";
import type { ContentSink } from "./content-sink.ts";
import { FRAME_BYTES } from "./frame-store.ts";
import type { PagesDone, PagesJob, StoredPages } from "./jobs.ts";
import { scanStretches } from "./scan-stretches.ts";
import { SpanReader } from "./span-reader.ts";

type Read = SpanReader["read"];

/** Stores the pages of a range that have changed, as many as fit into a frame together. */
export function storePages(job: PagesJob, frames: ContentSink): PagesDone {
  using reader = new SpanReader(job.spans);
  return job.previous === undefined ? storeAll(job, reader.read, frames) : storeChanged(job, reader.read, frames);
}

/** Of what there is nothing to compare with, every page is stored as it goes by. */
function storeAll(job: PagesJob, read: Read, frames: ContentSink): PagesDone {
  const { pageSize, from, to } = job;
  const frame = Buffer.allocUnsafe(Math.min(FRAME_BYTES, (to - from) * pageSize));
  const stored: StoredPages[] = [];
  let filled = 0;
  const end = (): void => {
    if (filled > 0) stored.push({ place: frames.add(frame.subarray(0, filled)), pages: filled / pageSize });
    filled = 0;
  };
  const passing: Read = (target, wanted, position) => {
    const length = read(target, wanted, position);
    if (filled + length > frame.length) end();
    frame.set(target.subarray(0, length), filled);
    filled += length;
    return length;
  };
  const { noted, sums } = scanStretches(job, passing);
  end();
  freeBuffer(frame);
  return { changed: undefined, stored, noted, sums };
}

function storeChanged(job: PagesJob, read: Read, frames: ContentSink): PagesDone {
  const { pageSize, forced } = job;
  const { changed: scanned, noted, sums } = scanStretches(job, read);
  const changed = forced.length === 0 ? scanned : merged(scanned, forced);
  const buffer = Buffer.allocUnsafe(Math.min(FRAME_BYTES, changed.length * pageSize));
  const perFrame = FRAME_BYTES / pageSize;
  const stored: StoredPages[] = [];
  for (let first = 0; first < changed.length; first += perFrame) {
    const pages = Math.min(perFrame, changed.length - first);
    for (let index = 0; index < pages; index += runLength(changed, first + index, first + pages)) {
      const length = runLength(changed, first + index, first + pages) * pageSize;
      read(buffer.subarray(index * pageSize), length, (changed[first + index] as number) * pageSize);
    }
    stored.push({ place: frames.add(buffer.subarray(0, pages * pageSize)), pages });
  }
  freeBuffer(buffer);
  return { changed, stored, noted, sums };
}

/** How many pages from an index on lie one after another. */
function runLength(pages: Uint32Array, from: number, to: number): number {
  let end = from + 1;
  while (end < to && pages[end] === (pages[end - 1] as number) + 1) end += 1;
  return end - from;
}

/** Two rising lists as one, without doubles. */
function merged(one: Uint32Array, other: Uint32Array): Uint32Array {
  const both = new Uint32Array(one.length + other.length);
  let [count, here, there] = [0, 0, 0];
  while (here < one.length || there < other.length) {
    const [first = Infinity, second = Infinity] = [one[here], other[there]];
    both[count] = Math.min(first, second);
    count += 1;
    if (first <= second) here += 1;
    if (second <= first) there += 1;
  }
  return both.slice(0, count);
}
