import { OpenPageFile, pagesPerStretch } from "../cache/page-file.ts";
import { freePageHashes, makePageHashes } from "../split/page-hashes.ts";
import { scanPages, type PageScan } from "../split/page-scan.ts";
import type { PagesDone, PagesJob } from "./jobs.ts";
import { joined } from "./joined.ts";

/** Of all pages that were looked at: the numbers of those that are not as they were, in order, and whether what they are was written down. */
export interface ScannedPages extends Pick<PagesDone, "noted" | "sums"> {
  readonly changed: Uint32Array;
}

/** Stretch by stretch: what the pages were comes from a file, and what they are goes to one. @param read of the whole database */
export function scanStretches(
  { pageSize, from, to, key, previous, next }: Pick<PagesJob, "pageSize" | "from" | "to" | "key" | "previous" | "next">,
  read: PageScan["read"],
): ScannedPages {
  using before = OpenPageFile.open(previous, "r");
  using after = OpenPageFile.open(next, "r+");
  const step = pagesPerStretch(pageSize);
  const changed: Uint32Array[] = [];
  const sums: Uint8Array[] = [];
  let noted = after !== undefined;
  for (let first = from; first < to; first += step) {
    const state = makePageHashes(pageSize, Math.min(step, to - first));
    const stretch = first / step;
    const reading: PageScan["read"] = (target, wanted, position) => read(target, wanted, first * pageSize + position);
    const known = before?.read(stretch);
    const found = scanPages({ read: reading, first, key, previous: known, next: state });
    if (known !== undefined) freePageHashes(known);
    // A copy: a part of the state would keep all of it.
    sums.push(state.sums.slice());
    if (previous !== undefined && found.length > 0) changed.push(found);
    noted = noted && after?.write(stretch, state) === true;
    freePageHashes(state);
  }
  return { changed: joined(changed), noted, sums: Buffer.concat(sums) };
}
