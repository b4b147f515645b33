import { createHash } from "node:crypto";
import { statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import type { Seen } from "./copy-protocol.ts";

const SQLITE_ERROR = 1;

/** For the processes that open databases: looks at no byte of a file. */
export function seen(path: string): Seen {
  const stats = statSync(path, { bigint: true });
  return { device: stats.dev.toString(), inode: stats.ino.toString() };
}

/** Copies of our own and cold databases: without locks, and without leaving a sidecar. */
export function openImmutable(path: string): DatabaseSync {
  return new DatabaseSync(`${pathToFileURL(path).href}?immutable=1`, { readOnly: true });
}

export function numberOf(database: DatabaseSync, pragma: string): number {
  return Number(Object.values(database.prepare(`PRAGMA ${pragma}`).get() ?? {})[0]);
}

export function schemaSha256(database: DatabaseSync): string | null {
  const hash = createHash("sha256");
  try {
    const rows = database.prepare("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name").iterate();
    for (const row of rows) hash.update(`${JSON.stringify(Object.values(row))}\n`);
    return hash.digest("hex");
  } catch {
    // A schema that does not parse: the copy is kept and called suspect.
    return null;
  }
}

export interface Checked {
  /** "ok", the first complaint, or null when it did not run. */
  readonly quickCheck: string | null;
  /** Why quick_check could not run although it was asked to. */
  readonly quickCheckProblem: string | null;
}

/** Every page is read once: to keep many of them costs a quarter of the time, and finds nothing again. KiB, as SQLite takes it. */
const CHECK_CACHE = "PRAGMA cache_size = -256";

export function quickCheck(database: DatabaseSync): Checked {
  try {
    database.exec(CHECK_CACHE);
    const first = Object.values(database.prepare("PRAGMA quick_check(1)").get() ?? {})[0];
    return { quickCheck: oneLine(String(first)), quickCheckProblem: null };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    // A collation or function that only the application has says nothing about the bytes.
    if (((sqliteCode(error) ?? 0) & 0xff) === SQLITE_ERROR) return { quickCheck: null, quickCheckProblem: message };
    return { quickCheck: message, quickCheckProblem: null };
  }
}

/** A complaint stands in lists of one line each; its first line only says which database, and there is one. */
function oneLine(complaint: string): string {
  return complaint
    .replace(/^\*\*\* in database \w+ \*\*\*\n/, "")
    .replaceAll(/\s*\n\s*/g, "; ")
    .slice(0, 1000);
}

/** What an error says, as it goes to the engine. */
export function failureOf(error: unknown): { readonly sqlite: number | null; readonly errno: string | null; readonly message: string } {
  const errno = typeof error === "object" && error !== null && "code" in error && typeof error.code === "string" ? error.code : null;
  return { sqlite: sqliteCode(error), errno, message: error instanceof Error ? error.message : String(error) };
}

function sqliteCode(error: unknown): number | null {
  return typeof error === "object" && error !== null && "errcode" in error && typeof error.errcode === "number" ? error.errcode : null;
}
