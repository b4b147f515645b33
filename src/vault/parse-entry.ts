import { DamageError } from "../kernel/index.ts";
import { DocumentFields } from "./document.ts";
import { PATH_LIMIT, pathProblem } from "./entry-path.ts";
import type { Entry } from "./entry.ts";

/** Longest line of entries.jsonl: two paths at their longest, every character escaped. Bytes. */
export const ENTRY_LINE_LIMIT: number = 64 * 1024;
const SHA256 = /^[0-9a-f]{64}$/;
const MTIME = /^-?\d{1,20}$/;
const HIGHEST_ID = 2 ** 32 - 1;

export function formatEntry(entry: Entry): string {
  return `${JSON.stringify(entry)}\n`;
}

/**
 * One line of entries.jsonl. Paths are refused here unless they are relative and clean, so that nothing behind this
 * door has to ask again.
 *
 * @param number of the line, from 1, for the message
 * @throws DamageError ARCHIVE_HOSTILE for a path that leads out of the backup, BACKUP_DAMAGED for any other defect
 */
export function parseEntryLine(line: string, number: number): Entry {
  const value = parseLine(line, number);
  const fields = new DocumentFields(`line ${number} of entries.jsonl`, value);
  try {
    return checkFields(fields, value as Entry);
  } catch (cause) {
    if (!(cause instanceof DamageError) || cause.code === "ARCHIVE_HOSTILE") throw cause;
    throw new DamageError("BACKUP_DAMAGED", cause.message, { cause });
  }
}

function parseLine(line: string, number: number): object {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  } catch (cause) {
    throw new DamageError("BACKUP_DAMAGED", `Line ${number} of entries.jsonl is not JSON`, { cause });
  }
  throw new DamageError("BACKUP_DAMAGED", `Line ${number} of entries.jsonl is not an object`);
}

function checkFields(fields: DocumentFields, entry: Entry): Entry {
  fields.matching("component", /^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/, "a component name");
  const path = fields.text("path", ENTRY_LINE_LIMIT);
  if (path !== ".") refuseHostile(fields, "path", path);
  const type = fields.oneOf("type", ["file", "directory", "symlink"]);
  if (fields.integer("mode") > 0o7777) fields.fail("mode", "must be permission bits");
  for (const id of ["uid", "gid"]) if (fields.integer(id) > HIGHEST_ID) fields.fail(id, "must fit into 32 bits");
  for (const name of ["user", "group"]) if (fields.has(name)) fields.text(name, 300);
  fields.matching("mtime_ns", MTIME, "nanoseconds");
  const size = fields.integer("size");
  for (const flag of ["sparse", "database"]) if (fields.has(flag)) fields.boolean(flag);
  const link = fields.has("hard_link");
  if (fields.has("sha256") !== (type === "file" && !link)) fields.fail("sha256", "must be there for a file, and for nothing else");
  if (fields.has("pages_sha256")) {
    if (entry.database !== true || link || type !== "file") fields.fail("pages_sha256", "must belong to a database");
    fields.matching("pages_sha256", SHA256, "64 hexadecimal digits");
  }
  if (type === "file" && !link) fields.matching("sha256", SHA256, "64 hexadecimal digits");
  else if (size !== 0) fields.fail("size", "must be 0 for what has no content");
  if (fields.has("target") !== (type === "symlink")) fields.fail("target", "must be there for a link, and for nothing else");
  if (type === "symlink") {
    const target = fields.text("target", PATH_LIMIT);
    if (target === "" || target.includes("\0") || !target.isWellFormed()) fields.fail("target", "must be a path");
  }
  if (link) {
    if (type !== "file") fields.fail("hard_link", "must belong to a file");
    refuseHostile(fields, "hard_link", fields.text("hard_link", ENTRY_LINE_LIMIT));
  }
  return entry;
}

function refuseHostile(fields: DocumentFields, field: string, path: string): void {
  const problem = pathProblem(path);
  if (problem === undefined) return;
  try {
    fields.fail(field, problem);
  } catch (cause) {
    throw new DamageError("ARCHIVE_HOSTILE", `${(cause as Error).message}, which could write outside of its folder`, {
      cause,
      hint: "Do not unpack this backup by other means; nothing was written",
    });
  }
}
