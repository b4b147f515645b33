import type { SourceKind } from "./reading.ts";

/** Names at the top of a backup that belong to the format. */
export const MANIFEST_NAME = "manifest.json";
export const ENTRIES_NAME = "entries.jsonl";

/** Where an entry lies inside a backup: the folder of a tree holds it, a single file is named by `storedAs` itself. */
export function storedPath(storedAs: string, source: SourceKind, path: string): string {
  return source !== "tree" || path === "." ? storedAs : `${storedAs}/${path}`;
}
