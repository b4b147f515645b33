import * as z from "zod/mini";
import { ENTRY_ROW, type EntriesQuery, type EntryRow } from "./backups.ts";
import { flag, glob, innerPath, named, wholeNumber, type Schema } from "./schema.ts";

export const ENTRIES_QUERY: Schema<EntriesQuery> = z.strictObject({
  path: z.optional(innerPath),
  recursive: z.optional(flag()),
  limit: z.optional(wholeNumber(1, 10_000)),
});

export interface EntryPage {
  readonly backup_id: string;
  readonly entries: readonly EntryRow[];
  /** There are more than `limit`. */
  readonly truncated: boolean;
}
export const ENTRY_PAGE: Schema<EntryPage> = named(
  "EntryPage",
  z.object({ backup_id: z.string(), entries: z.array(ENTRY_ROW), truncated: z.boolean() }),
);

export interface DiffDocument {
  readonly before: string;
  /** An id, or "live state". */
  readonly after: string;
  readonly differences: readonly {
    readonly path: string;
    readonly change: "added" | "removed" | "changed";
    readonly bytesBefore: number | null;
    readonly bytesAfter: number | null;
  }[];
}
export const DIFF: Schema<DiffDocument> = named(
  "Diff",
  z.object({
    before: z.string(),
    after: z.string(),
    differences: z.array(
      z.object({
        path: z.string(),
        change: z.enum(["added", "removed", "changed"]),
        bytesBefore: z.nullable(z.int()),
        bytesAfter: z.nullable(z.int()),
      }),
    ),
  }),
);

export interface SearchQuery {
  /** A gitignore pattern over component/path. */
  readonly glob: string;
  /** 1000 unless given. */
  readonly limit?: number | undefined;
}
export const SEARCH_QUERY: Schema<SearchQuery> = z.strictObject({ glob, limit: z.optional(wholeNumber(1, 10_000)) });

export interface SearchResult {
  readonly found: readonly {
    readonly backup: string;
    readonly path: string;
    readonly type: string;
    readonly size: number;
    readonly mtime_ns: string;
    readonly sha256: string | null;
    readonly pages_sha256: string | null;
  }[];
  readonly truncated: boolean;
}
export const SEARCH_RESULT: Schema<SearchResult> = named(
  "SearchResult",
  z.object({
    found: z.array(
      z.object({
        backup: z.string(),
        path: z.string(),
        type: z.string(),
        size: z.int(),
        mtime_ns: z.string(),
        sha256: z.nullable(z.string()),
        pages_sha256: z.nullable(z.string()),
      }),
    ),
    truncated: z.boolean(),
  }),
);
