import type { Locator } from "../pack/locator.ts";
import type { PageDigests } from "../split/page-digests.ts";
import { HASH_BYTES, makePageHashes, pagesPerGroup, type PageHashes } from "../split/page-hashes.ts";
import type { ResolvedMap } from "../tree/resolved-map.ts";

/** The hashes of a database as it lies in the vault, for when the cache that had them is lost. */
export function hashStoredPages(map: ResolvedMap, digests: PageDigests, read: (place: Locator) => Uint8Array): PageHashes {
  const { pageSize, pages } = map;
  const made = makePageHashes(pageSize, pages);
  const perGroup = pagesPerGroup(pageSize);
  const group = Buffer.allocUnsafe(perGroup * pageSize);
  for (const { first, pages: count, ...place } of map.extents()) {
    const bytes = read({ ...place, length: count * pageSize });
    for (let index = 0; index < count; index += 1) {
      const page = first + index;
      const own = bytes.subarray(index * pageSize, (index + 1) * pageSize);
      made.hashes.set(Buffer.from(digests.page(own), "latin1").subarray(0, HASH_BYTES), page * HASH_BYTES);
      group.set(own, (page % perGroup) * pageSize);
      const held = (page % perGroup) + 1;
      // Extents come in the order of the pages: with its last page a group is whole.
      if (held < perGroup && page < pages - 1) continue;
      const number = Math.floor(page / perGroup);
      made.macs.set(digests.group(group.subarray(0, held * pageSize), number), number * HASH_BYTES);
    }
  }
  return made;
}
