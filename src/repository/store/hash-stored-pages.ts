import { aTurn } from "../../kernel/index.ts";
import { pagesPerStretch, type PageFile } from "../cache/page-file.ts";
import type { Locator } from "../pack/locator.ts";
import type { PagePlaces } from "../tree/resolved-map.ts";
import { scanStretches } from "./scan-stretches.ts";

/** Between two turns of the event loop: whoever wants the backup to end waits for so many stretches, a tenth of a second. */
const STRETCHES = 4;

/**
 * Writes down what the pages of a database are as it lies in the vault, for when the cache that had them is lost.
 *
 * @param goOn throws when the backup is to end
 * @returns false when they could not be written
 */
export async function hashStoredPages(
  file: PageFile,
  map: PagePlaces,
  key: Uint8Array,
  read: (place: Locator) => Uint8Array,
  goOn: () => void,
): Promise<boolean> {
  const { pageSize, pages } = file;
  const fill = (buffer: Uint8Array, wanted: number, position: number): number => {
    const from = position / pageSize;
    for (const { first, pages: count, ...place } of map.extents(from, from + wanted / pageSize))
      buffer.set(read({ ...place, length: count * pageSize }), (first - from) * pageSize);
    return wanted;
  };
  const step = STRETCHES * pagesPerStretch(pageSize);
  for (let from = 0; from < pages; from += step) {
    goOn();
    const to = Math.min(from + step, pages);
    if (!scanStretches({ pageSize, from, to, key, previous: undefined, next: file }, fill).noted) return false;
    await aTurn();
  }
  return true;
}
