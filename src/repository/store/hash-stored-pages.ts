import type { PageFile } from "../cache/page-file.ts";
import type { Locator } from "../pack/locator.ts";
import type { PagePlaces } from "../tree/resolved-map.ts";
import { scanStretches } from "./scan-stretches.ts";

/**
 * Writes down what the pages of a database are as it lies in the vault, for when the cache that had them is lost.
 *
 * @returns false when they could not be written
 */
export function hashStoredPages(file: PageFile, map: PagePlaces, key: Uint8Array, read: (place: Locator) => Uint8Array): boolean {
  const { pageSize, pages } = file;
  const fill = (buffer: Uint8Array, wanted: number, position: number): number => {
    const from = position / pageSize;
    for (const { first, pages: count, ...place } of map.extents(from, from + wanted / pageSize))
      buffer.set(read({ ...place, length: count * pageSize }), (first - from) * pageSize);
    return wanted;
  };
  return scanStretches({ pageSize, from: 0, to: pages, key, previous: undefined, next: file }, fill).noted;
}
