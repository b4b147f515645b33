import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";

/** Reads a copy of what visiting-writer-child.ts writes: "ok", or why it is not one whole committed state. */
export function checkVisited(path: string): string {
  using database = new DatabaseSync(`${pathToFileURL(path).href}?immutable=1`, { readOnly: true });
  const one = (sql: string): unknown => Object.values(database.prepare(sql).get() ?? {})[0];
  const numbers = one("SELECT count(DISTINCT number) FROM t");
  return numbers === 1 ? String(one("PRAGMA integrity_check")) : `${String(numbers)} transactions in one`;
}
