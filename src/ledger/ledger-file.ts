import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { HostError, identityAt, monotonicNow, SQLITE, sqliteCodeOf, tryFileLock, type FileIdentity } from "../kernel/index.ts";
import { APPLICATION_ID, SCHEMA, SCHEMA_VERSION, UPGRADES } from "./schema.ts";

/** An open ledger, and which file that is: another one may come to lie in its place. */
export interface LedgerFile {
  readonly database: DatabaseSync;
  readonly path: string;
  readonly identity: FileIdentity;
}

/** The ledger is used a few times in a second at most: what cannot be had in this time is tried again by the caller. Milliseconds. */
const PATIENCE = 40;
/** Several that begin at once make it one after the other. Milliseconds. */
const PATIENCE_TO_OPEN = 5000;

export function openFile(path: string): LedgerFile {
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
    if (version < SCHEMA_VERSION) upgrade(database);
    database.exec(`PRAGMA busy_timeout=${PATIENCE}`);
    const identity = identityAt(path);
    if (identity === undefined)
      throw new HostError("FILE_SYSTEM", `The ledger "${path}" was removed while it was opened`, { hint: "Try again" });
    return { database, path, identity };
  } catch (error) {
    database.close();
    throw error;
  }
}

function create(database: DatabaseSync): void {
  inTransaction(database, () => {
    // Another process may have been first.
    if (numberOf(database, "application_id") === 0) database.exec(SCHEMA);
  });
}

function upgrade(database: DatabaseSync): void {
  inTransaction(database, () => {
    // As above.
    for (let version = numberOf(database, "user_version"); version < SCHEMA_VERSION; version += 1)
      database.exec(`${UPGRADES[version] ?? ""}; PRAGMA user_version=${version + 1}`);
  });
}

/** All of a change or nothing, under the write lock. */
export function inTransaction<T>(database: DatabaseSync, change: () => T): T {
  database.exec("BEGIN IMMEDIATE");
  try {
    const result = change();
    database.exec("COMMIT");
    return result;
  } catch (error) {
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
}

function numberOf(database: DatabaseSync, pragma: string): number {
  return Number(database.prepare(`PRAGMA ${pragma}`).get()?.[pragma] ?? 0);
}

function unreadable(message: string): Error {
  return Object.assign(new Error(message), { errcode: SQLITE.NOTADB });
}

export function isUnreadable(error: unknown): error is Error {
  return saysOneOf(error, [SQLITE.CORRUPT, SQLITE.NOTADB]);
}

/** The account or the file system lets nobody write there. */
export function isForbidden(error: unknown): error is Error {
  return saysOneOf(error, [SQLITE.PERM, SQLITE.READONLY, SQLITE.CANTOPEN]);
}

function saysOneOf(error: unknown, codes: readonly number[]): error is Error {
  const code = sqliteCodeOf(error);
  return code !== undefined && codes.includes(code);
}

/** Whoever puts another file in the place of the ledger does so alone. */
export function lockForMoving(stateDir: string): Disposable {
  const path = join(stateDir, "ledger.lock");
  const pause = new Int32Array(new SharedArrayBuffer(4));
  const deadline = monotonicNow() + PATIENCE_TO_OPEN;
  for (;;) {
    const lock = tryFileLock(path, "exclusive");
    if (lock !== undefined) return lock;
    if (monotonicNow() > deadline)
      throw new HostError("FILE_SYSTEM", `Cannot replace the ledger: "${path}" stayed locked`, {
        hint: "Another process does so at this moment, or was stopped while it did: try again",
      });
    Atomics.wait(pause, 0, 0, 20);
  }
}
