import { existsSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { HostError, makeFolder } from "../kernel/index.ts";
import { SqliteLedger } from "./sqlite-ledger.ts";
import { APPLICATION_ID, SCHEMA, SCHEMA_VERSION } from "./schema.ts";

/** The ledger is used a few times in a second at most: what cannot be had in this time is tried again by the caller. Milliseconds. */
const PATIENCE = 40;

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
    const aside = moveAside(stateDir, path);
    onRemark(`The ledger could not be read (${error instanceof Error ? error.message : String(error)}), was moved to "${aside}", and begins anew`);
    return new SqliteLedger(openFile(path), stateDir);
  }
}

/** Of an instance that has one; null elsewhere. For what only looks. */
export function findLedger(stateDir: string, onRemark: (text: string) => void): SqliteLedger | null {
  return existsSync(join(stateDir, "ledger.db")) ? openLedger(stateDir, onRemark) : null;
}

function openFile(path: string): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: PATIENCE });
  try {
    database.exec("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL");
    const application = numberOf(database, "application_id");
    if (application === 0 && numberOf(database, "schema_version") === 0) create(database);
    else if (application !== APPLICATION_ID) throw Object.assign(new Error("it is no ledger"), { errcode: NOTADB });
    const version = numberOf(database, "user_version");
    if (version > SCHEMA_VERSION)
      throw new HostError("VERSION_UNSUPPORTED", `The ledger "${path}" has version ${version}, and this version reads ${SCHEMA_VERSION}`, {
        hint: "Use the newer version of holdfast",
      });
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function create(database: DatabaseSync): void {
  database.exec("BEGIN IMMEDIATE");
  // Another process may have been first.
  if (numberOf(database, "application_id") === 0) database.exec(SCHEMA);
  database.exec("COMMIT");
}

function numberOf(database: DatabaseSync, pragma: string): number {
  return Number(database.prepare(`PRAGMA ${pragma}`).get()?.[pragma] ?? 0);
}

const CORRUPT = 11;
const NOTADB = 26;

export function isUnreadable(error: unknown): boolean {
  return error instanceof Error && "errcode" in error && typeof error.errcode === "number" && [CORRUPT, NOTADB].includes(error.errcode & 0xff);
}

/** One broken ledger is kept; those before it have been looked at or never will be. */
function moveAside(stateDir: string, path: string): string {
  for (const name of readdirSync(stateDir)) if (name.startsWith("ledger.broken-")) rmSync(join(stateDir, name), { force: true });
  const aside = join(stateDir, `ledger.broken-${Date.now()}`);
  for (const suffix of ["", "-wal", "-shm"]) if (existsSync(`${path}${suffix}`)) renameSync(`${path}${suffix}`, `${aside}${suffix}`);
  return aside;
}
