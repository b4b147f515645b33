import type { Locator } from "../pack/locator.ts";
import { makePageHashes, type PageHashes } from "../split/page-hashes.ts";
import { scanPages } from "../split/page-scan.ts";
import type { ResolvedMap } from "../tree/resolved-map.ts";

/** The hashes of a database as it lies in the vault, for when the cache that had them is lost. */
export function hashStoredPages(map: ResolvedMap, key: Uint8Array, read: (place: Locator) => Uint8Array): PageHashes {
  const { pageSize, pages } = map;
  const next = makePageHashes(pageSize, pages);
  const fill = (buffer: Uint8Array, wanted: number, position: number): number => {
    const from = position / pageSize;
    for (const { first, pages: count, ...place } of map.extents(from, from + wanted / pageSize))
      buffer.set(read({ ...place, length: count * pageSize }), (first - from) * pageSize);
    return wanted;
  };
  scanPages({ read: fill, from: 0, to: pages, key, previous: undefined, next });
  return next;
}
