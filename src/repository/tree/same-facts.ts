import type { EntryFacts } from "./tree-entry.ts";

const FIELDS = [
  "path",
  "type",
  "mode",
  "uid",
  "gid",
  "user",
  "group",
  "mtime_ns",
  "size",
  "sha256",
  "pages_sha256",
  "target",
  "hard_link",
  "sparse",
  "database",
] as const satisfies readonly (keyof EntryFacts)[];

/** Whether two entries say the same of themselves. */
export function isSameFacts(one: EntryFacts, other: EntryFacts): boolean {
  return one === other || FIELDS.every((field) => one[field] === other[field]);
}
