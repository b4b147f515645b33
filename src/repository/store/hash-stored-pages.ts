import { OpenPageFile, pagesPerStretch, type PageFile } from "../cache/page-file.ts";
import type { Locator } from "../pack/locator.ts";
import { makePageHashes } from "../split/page-hashes.ts";
import { scanPages } from "../split/page-scan.ts";
import type { PagePlaces } from "../tree/resolved-map.ts";

/**
 * Writes down what the pages of a database are as it lies in the vault, for when the cache that had them is lost.
 *
 * @returns false when they could not be written
 */
export function hashStoredPages(file: PageFile, map: PagePlaces, key: Uint8Array, read: (place: Locator) => Uint8Array): boolean {
  const { pageSize } = file;
  using hashes = OpenPageFile.open(file, "r+");
  if (hashes === undefined) return false;
  for (let stretch = 0; hashes.pagesOf(stretch) > 0; stretch += 1) {
    const first = stretch * pagesPerStretch(pageSize);
    const fill = (buffer: Uint8Array, wanted: number, position: number): number => {
      const from = first + position / pageSize;
      for (const { first: at, pages: count, ...place } of map.extents(from, from + wanted / pageSize))
        buffer.set(read({ ...place, length: count * pageSize }), (at - from) * pageSize);
      return wanted;
    };
    const next = makePageHashes(pageSize, hashes.pagesOf(stretch));
    scanPages({ read: fill, first, key, previous: undefined, next });
    if (!hashes.write(stretch, next)) return false;
  }
  return true;
}
