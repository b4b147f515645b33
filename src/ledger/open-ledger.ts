import { existsSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { HostError, makeFolder, tryFileLock } from "../kernel/index.ts";
import { SqliteLedger } from "./sqlite-ledger.ts";
import { APPLICATION_ID, SCHEMA, SCHEMA_VERSION } from "./schema.ts";

/** The ledger is used a few times in a second at most: what cannot be had in this time is tried again by the caller. Milliseconds. */
const PATIENCE = 40;
/** Several that begin at once make it one after the other. Milliseconds. */
const PATIENCE_TO_OPEN = 5000;

/**
 * Opens the ledger of an instance, and makes it when there is none. One that cannot be read is moved aside: nothing that is
 * protected may wait for a diary.
 *
 * @param onRemark told when that happened
 */
export function openLedger(stateDir: string, onRemark: (text: string) => void): SqliteLedger {
  makeFolder(stateDir);
  const path = join(stateDir, "ledger.db");
  try {
    return new SqliteLedger(openFile(path), stateDir);
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    return new SqliteLedger(openAnew(stateDir, path, onRemark), stateDir);
  }
}

/** One process at a time, and each looks again: what another has made meanwhile is sound, and stays. */
function openAnew(stateDir: string, path: string, onRemark: (text: string) => void): DatabaseSync {
  using _ = lockForMoving(join(stateDir, "ledger.lock"));
  try {
    return openFile(path);
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    const aside = moveAside(stateDir, path);
    const why = (error instanceof Error ? error.message : String(error)).replaceAll(/\s+/g, " ");
    onRemark(`The ledger could not be read (${why}), was moved to "${aside}", and begins anew`);
    return openFile(path);
  }
}

function lockForMoving(path: string): Disposable {
  const pause = new Int32Array(new SharedArrayBuffer(4));
  const deadline = performance.now() + PATIENCE_TO_OPEN;
  for (;;) {
    const lock = tryFileLock(path, "exclusive");
    if (lock !== undefined) return lock;
    if (performance.now() > deadline)
      throw new HostError("FILE_SYSTEM", `Cannot replace the ledger: "${path}" stayed locked`, {
        hint: "Another process does so at this moment, or was stopped while it did: try again",
      });
    Atomics.wait(pause, 0, 0, 20);
  }
}

/** Of an instance that has one; null elsewhere. For what only looks. */
export function findLedger(stateDir: string, onRemark: (text: string) => void): SqliteLedger | null {
  return existsSync(join(stateDir, "ledger.db")) ? openLedger(stateDir, onRemark) : null;
}

function openFile(path: string): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: PATIENCE_TO_OPEN });
  try {
    database.exec("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL");
    if (numberOf(database, "application_id") === 0 && numberOf(database, "schema_version") === 0) create(database);
    if (numberOf(database, "application_id") !== APPLICATION_ID) throw unreadable("it is no ledger");
    const version = numberOf(database, "user_version");
    if (version > SCHEMA_VERSION)
      throw new HostError("VERSION_UNSUPPORTED", `The ledger "${path}" has version ${version}, and this version reads ${SCHEMA_VERSION}`, {
        hint: "Use the newer version of holdfast",
      });
    // What is cut short or overwritten in the middle opens all the same, and would fail every poll from then on.
    const complaint = database.prepare("PRAGMA quick_check(1)").get()?.["quick_check"];
    if (complaint !== "ok") throw unreadable(String(complaint));
    database.exec(`PRAGMA busy_timeout=${PATIENCE}`);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function create(database: DatabaseSync): void {
  database.exec("BEGIN IMMEDIATE");
  try {
    // Another process may have been first.
    if (numberOf(database, "application_id") === 0) database.exec(SCHEMA);
    database.exec("COMMIT");
  } catch (error) {
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
}

function numberOf(database: DatabaseSync, pragma: string): number {
  return Number(database.prepare(`PRAGMA ${pragma}`).get()?.[pragma] ?? 0);
}

const CORRUPT = 11;
const NOTADB = 26;

function unreadable(message: string): Error {
  return Object.assign(new Error(message), { errcode: NOTADB });
}

function isUnreadable(error: unknown): boolean {
  return (
    error instanceof Error && "errcode" in error && typeof error.errcode === "number" && [CORRUPT, NOTADB].includes(error.errcode & 0xff)
  );
}

/** One broken ledger is kept; those before it have been looked at or never will be. */
function moveAside(stateDir: string, path: string): string {
  for (const name of readdirSync(stateDir)) if (name.startsWith("ledger.broken-")) rmSync(join(stateDir, name), { force: true });
  const aside = join(stateDir, `ledger.broken-${Date.now()}`);
  for (const suffix of ["", "-wal", "-shm"]) if (existsSync(`${path}${suffix}`)) renameSync(`${path}${suffix}`, `${aside}${suffix}`);
  return aside;
}
