/**
 * The process that opens databases: each through SQLite and nothing else, because closing any other descriptor of a
 * database file drops every POSIX lock that this process holds on it. Requests come as JSON lines, one after the
 * other; when standard input ends, the engine is gone and so is this process.
 *
 * It never checkpoints, writes no page, and changes no pragma of a source.
 */
import { createHash } from "node:crypto";
import { statSync } from "node:fs";
import { backup, DatabaseSync } from "node:sqlite";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import type { CopyAnswer, CopyRequest, Seen } from "./copy-protocol.ts";

type Step = Extract<CopyAnswer, { ok: false }>["step"];

/** Above every page count: at the default rate each commit of another process restarts the copy, and it never ends. */
const ALL_PAGES = 2 ** 31 - 1;
const SQLITE_ERROR = 1;

function seen(path: string): Seen {
  const stats = statSync(path, { bigint: true });
  return { device: stats.dev.toString(), inode: stats.ino.toString() };
}

/** Copies of our own and cold databases: without locks, and without leaving a sidecar. */
function openImmutable(path: string): DatabaseSync {
  return new DatabaseSync(`${pathToFileURL(path).href}?immutable=1`, { readOnly: true });
}

/**
 * Opens the source and holds a snapshot of it. The read comes before the copy because backup() of a locked source
 * spins for ever, while a read gives up after the busy timeout.
 */
function openSource(request: CopyRequest): DatabaseSync {
  const database = request.cold
    ? openImmutable(request.path)
    : new DatabaseSync(request.path, { readOnly: true, timeout: request.busyTimeout });
  try {
    database.exec("BEGIN");
    database.prepare("PRAGMA user_version").get();
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/**
 * A write-ahead log's -shm is written by readers too, and made when it is missing. Root does that in the owner's
 * name: a sidecar owned by root stops the runtime.
 */
function inNameOf<T>(account: CopyRequest["as"], action: () => T): T {
  if (account === null || process.seteuid === undefined || process.setegid === undefined || process.setgroups === undefined)
    return action();
  const groups = process.getgroups?.() ?? [];
  process.setgroups([]);
  process.setegid(account.gid);
  process.seteuid(account.uid);
  try {
    return action();
  } finally {
    process.seteuid(0);
    process.setegid(0);
    process.setgroups(groups);
  }
}

function numberOf(database: DatabaseSync, pragma: string): number {
  return Number(Object.values(database.prepare(`PRAGMA ${pragma}`).get() ?? {})[0]);
}

function schemaSha256(database: DatabaseSync): string | null {
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

function quickCheck(database: DatabaseSync): { quickCheck: string | null; quickCheckProblem: string | null } {
  try {
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

function sqliteCode(error: unknown): number | null {
  return typeof error === "object" && error !== null && "errcode" in error && typeof error.errcode === "number" ? error.errcode : null;
}

async function copy(request: CopyRequest): Promise<CopyAnswer> {
  let step: Step = "open";
  try {
    const before = seen(request.path);
    const source = inNameOf(request.as, () => openSource(request));
    step = "copy";
    try {
      await backup(source, request.target, { rate: ALL_PAGES });
    } finally {
      source.close();
    }
    const after = seen(request.path);
    step = "inspect";
    const staged = openImmutable(request.target);
    try {
      return {
        ok: true,
        before,
        after,
        pageSize: numberOf(staged, "page_size"),
        pages: numberOf(staged, "page_count"),
        userVersion: numberOf(staged, "user_version"),
        applicationId: numberOf(staged, "application_id"),
        schemaSha256: schemaSha256(staged),
        ...(request.quickCheck ? quickCheck(staged) : { quickCheck: null, quickCheckProblem: null }),
      };
    } finally {
      staged.close();
    }
  } catch (error) {
    const errno = typeof error === "object" && error !== null && "code" in error && typeof error.code === "string" ? error.code : null;
    return { ok: false, sqlite: sqliteCode(error), errno, message: error instanceof Error ? error.message : String(error), step };
  }
}

process.umask(0o077);
const lines = createInterface({ input: process.stdin });
let working: Promise<void> = Promise.resolve();
lines.on("line", (line) => {
  working = working.then(async () => {
    const answer = await copy(JSON.parse(line) as CopyRequest);
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  });
});
// A copy under way is nobody's any more: the engine's staging folder goes with the engine.
lines.on("close", () => process.kill(process.pid, "SIGKILL"));
