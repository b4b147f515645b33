import type { PageMap, WrittenMap } from "../tree/page-map.ts";
import type { Keeping } from "../tree/reference-index.ts";
import type { EntryFacts, TreeContent } from "../tree/tree-entry.ts";

/** Where the content of an entry is; the map of a database is written with the run that names it. */
export type Kept =
  | Exclude<TreeContent, { readonly kind: "pages" }>
  /** One that has not been touched. */
  | { readonly kind: "map"; readonly map: PageMap }
  | { readonly kind: "pages"; readonly writeMap: (keeping: Keeping) => WrittenMap };

export interface StoredEntry {
  readonly entry: EntryFacts;
  readonly kept: Kept;
}
