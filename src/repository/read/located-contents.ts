/** What a thread reads contents of a backup with that were located in another: its own packs, open, and frames. */
import { isDeepStrictEqual } from "node:util";
import type { ContentPart, Contents } from "../../vault/index.ts";
import type { EpochKey } from "../keys/epoch-key.ts";
import { PackTable, type TableEntry } from "../manifest/pack-table.ts";
import { FrameCache } from "../pack/frame-cache.ts";
import { openedEpochs } from "../pack/opened-epochs.ts";
import { StoredMap } from "../tree/stored-map.ts";
import type { PageMapRef, StoredContent } from "../tree/tree-entry.ts";
import { readPages, readStoredContent } from "./read-content.ts";

/** Decoded frames that a thread keeps: contents come in the order of their frames. */
const CACHE_BYTES = 4 * 1024 * 1024;
/** While it reads a database, whose pages lie in the frames of many backups that take turns. */
const PAGES_BYTES = 20 * 1024 * 1024;

/** A backup as its contents are read; by value. */
export interface LocatedData {
  /** Of the vault. */
  readonly folder: string;
  readonly packs: readonly TableEntry[];
  readonly epochs: readonly EpochKey[];
}

/** @param data LocatedData, or a structured clone of it, as the port has it */
export function openContents(data: unknown): Contents {
  const { folder, packs, epochs } = data as LocatedData;
  const opened = { folder, packs: PackTable.of(packs), keys: openedEpochs(epochs) };
  const frames = new FrameCache({ ...opened, budget: CACHE_BYTES, frees: true });
  // Both are kept from one part of a database to the next: what changed once lies in few frames, for all of it.
  const pages = new FrameCache({ ...opened, budget: PAGES_BYTES, frees: true });
  let last: { readonly ref: PageMapRef; readonly map: StoredMap } | undefined;
  function* readDatabase(ref: PageMapRef, part: ContentPart | undefined): Generator<Uint8Array> {
    if (last === undefined || !isDeepStrictEqual(last.ref, ref)) last = { ref, map: new StoredMap(pages, ref) };
    yield* readPages(last.map, pages, part);
  }
  return {
    read: (at, part) => {
      const content = at as StoredContent;
      if (content.kind === "pages") return readDatabase(content.map, part);
      last = undefined;
      pages.close();
      return readStoredContent(content, frames);
    },
    [Symbol.dispose]: () => {
      frames.close();
      pages.close();
    },
  };
}
