/** Primary result codes of SQLite that something here is decided by (sqlite.org/rescode.html). */
export const SQLITE = { ERROR: 1, PERM: 3, BUSY: 5, READONLY: 8, IOERR: 10, CORRUPT: 11, FULL: 13, CANTOPEN: 14, NOTADB: 26 } as const;

/** Primary result code of an error of SQLite's, without what an extended code adds; undefined for any other. */
export function sqliteCodeOf(error: unknown): number | undefined {
  return error instanceof Error && "errcode" in error && typeof error.errcode === "number" ? error.errcode & 0xff : undefined;
}
