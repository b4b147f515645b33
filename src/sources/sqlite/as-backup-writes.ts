import { closeSync, openSync } from "node:fs";
import { writeFully } from "../../kernel/index.ts";
import { versions } from "node:process";

/** No page of a database lies here: the bytes from here on are locked and never written to. https://sqlite.org/fileformat2.html */
const LOCKED_PAGE = 1024 * 1024 * 1024;

export interface CopiedPages {
  readonly pageSize: number;
  readonly pages: number;
}

/**
 * Makes a copy that was made page by page the one that SQLite's backup() makes of the same state, so that a database gives
 * the same bytes whichever way it was copied. backup() writes into an empty database and commits once: the copy counts as
 * changed once, its schema too, and it says which SQLite wrote it. https://sqlite.org/fileformat2.html#the_database_header
 */
export function asBackupWrites(copy: string, { pageSize, pages }: CopiedPages): void {
  const version = sqliteVersionNumber();
  const descriptor = openSync(copy, "r+");
  try {
    // File change counter, pages.
    writeFully(descriptor, words(1, pages), 24);
    // Schema cookie.
    writeFully(descriptor, words(1), 40);
    // The change counter for which the number of pages is valid, the version of SQLite.
    writeFully(descriptor, words(1, version), 92);
    if (pages * pageSize > LOCKED_PAGE) writeFully(descriptor, Buffer.alloc(pageSize), LOCKED_PAGE);
  } finally {
    closeSync(descriptor);
  }
}

function sqliteVersionNumber(): number {
  const [major = 0, minor = 0, patch = 0] = (versions["sqlite"] ?? "").split(".").map(Number);
  return major * 1_000_000 + minor * 1000 + patch;
}

function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value, 4 * index);
  return bytes;
}
