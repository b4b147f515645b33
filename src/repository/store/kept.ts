import type { PageMap, WrittenMap } from "../tree/page-map.ts";
import type { Keeping } from "../tree/reference-index.ts";
import type { EntryFacts, TreeContent } from "../tree/tree-entry.ts";
import type { ReadRun } from "../tree/tree-reader.ts";

/** Where the content of an entry is; the map of a database is written with the run that names it. */
export type Kept =
  | Exclude<TreeContent, { readonly kind: "pages" }>
  /** One that has not been touched. */
  | { readonly kind: "map"; readonly map: PageMap }
  | { readonly kind: "pages"; readonly writeMap: (keeping: Keeping) => WrittenMap };

/** Entries of the backup that is compared with, one behind the other, that are named again as they are. */
export interface KeptEntries {
  readonly entries: readonly { readonly entry: EntryFacts; readonly content: Exclude<TreeContent, { readonly kind: "pages" }> }[];
  /** That these are, from its first entry to its last; each in one place, or empty. */
  readonly run: ReadRun | undefined;
}

export interface StoredEntry {
  readonly entry: EntryFacts;
  readonly kept: Kept;
}
