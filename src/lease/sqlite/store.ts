import { statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { DatabaseSync, type SQLOutputValue } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { errnoOf, HostError, messageOf, SQLITE, sqliteCodeOf, unsafeFileSystem } from "../../kernel/index.ts";
import type { LeaseMember, LeaseRow, LeaseState, Seat } from "../lease-row.ts";
import { BUSY, isBusy, type Busy } from "./busy.ts";
import { APPLICATION_ID, SCHEMA_VERSION } from "./schema.ts";
import { storeDamaged, storeMissing, storeOlder } from "./store-error.ts";
import { readWitness } from "./witness.ts";

/** Where the store lies; everything is derived from the state folder, so that no working directory can split it. */
export interface StorePlace {
  /** Absolute. */
  readonly stateDir: string;
  readonly folder: string;
  readonly database: string;
  readonly progress: string;
  readonly fence: string;
  /** Beside the folder. */
  readonly witness: string;
  readonly repairLock: string;
}

export function storePlace(stateDir: string): StorePlace {
  const folder = join(stateDir, "lease");
  return {
    stateDir,
    folder,
    database: join(folder, "lease.db"),
    progress: join(folder, "progress.json"),
    fence: join(folder, "fence.json"),
    witness: join(stateDir, "lease-generation"),
    repairLock: join(stateDir, "lease-repair.lock"),
  };
}

export function storeExists({ folder }: StorePlace): boolean {
  return statSync(folder, { throwIfNoEntry: false }) !== undefined;
}

/** @throws HostError on a file system where neither a pipe nor a lock means anything to another machine */
export function refuseRemoteFolder(folder: string, statfs?: (path: string) => { type: number }): void {
  const kind = unsafeFileSystem(folder, statfs);
  if (kind === undefined) return;
  throw new HostError("FILE_SYSTEM_UNSUPPORTED", `Cannot keep the lease in "${folder}", which is on ${kind}`, {
    hint: "Set state_dir to a folder on a local disk, in a container to a named volume: pipes and locks on a network or FUSE file system mean nothing to other machines",
  });
}

/**
 * A fresh connection for every operation, so that it follows the path: one that stayed open would go on writing to a file
 * that was removed. Never creates. EXTRA syncs the removal of the journal as well, so that no generation comes back.
 */
export function openStore(place: StorePlace): DatabaseSync | Busy {
  let database: DatabaseSync;
  try {
    database = new DatabaseSync(new URL(`${pathToFileURL(place.database).href}?mode=rw`), { timeout: 0 });
  } catch (error) {
    throw named(place, error);
  }
  try {
    database.exec("PRAGMA synchronous=EXTRA");
    const application = database.prepare("PRAGMA application_id").get()?.["application_id"];
    const version = database.prepare("PRAGMA user_version").get()?.["user_version"];
    if (application !== APPLICATION_ID) throw storeDamaged(place.folder, `"${basename(place.database)}" is no lease`);
    if (version !== SCHEMA_VERSION)
      throw new HostError(
        "VERSION_UNSUPPORTED",
        `The lease store "${place.folder}" has version ${String(version)}, and this version reads 1`,
        {
          hint: "Use the newer version of holdfast everywhere on this machine",
        },
      );
    return database;
  } catch (error) {
    database.close();
    if (isBusy(error)) return BUSY;
    throw named(place, error);
  }
}

/** Opens, works, closes. What SQLite says of a file that is no database becomes an error with a name. */
export function withStore<T>(place: StorePlace, work: (database: DatabaseSync) => T | Busy): T | Busy {
  const database = openStore(place);
  if (database === BUSY) return BUSY;
  try {
    return work(database);
  } catch (error) {
    if (isBusy(error)) return BUSY;
    throw named(place, error);
  } finally {
    database.close();
  }
}

/**
 * Runs a change under the write lock. Whatever it throws, and a commit that somebody who reads stands in the way of,
 * leaves everything as it was.
 */
export function inTransaction<T>(database: DatabaseSync, change: () => T): T | Busy {
  database.exec("BEGIN IMMEDIATE");
  try {
    const result = change();
    commit(database);
    return result;
  } catch (error) {
    if (database.isTransaction) database.exec("ROLLBACK");
    if (isBusy(error)) return BUSY;
    throw error;
  }
}

/** A commit that failed for a reader keeps new ones out, so that it soon succeeds. */
function commit(database: DatabaseSync): void {
  for (let attempt = 0; attempt < 20; attempt += 1) {
    try {
      database.exec("COMMIT");
      return;
    } catch (error) {
      if (!isBusy(error) || !database.isTransaction) throw error;
    }
  }
  database.exec("COMMIT");
}

/** @throws HostError when the row cannot be what was last written here */
export function readRow(place: StorePlace, database: DatabaseSync): LeaseRow {
  // Before the row: whoever acquires between the two must not make a sound store look old.
  const known = readWitness(place.witness);
  const raw = database.prepare("SELECT * FROM lease WHERE id=1").get();
  if (raw === undefined) throw storeDamaged(place.folder, "it holds no row");
  const row = rowOf(raw);
  if (known !== null && row.generation < known) throw storeOlder(place.folder, row.generation, known);
  return row;
}

export function readMembers(database: DatabaseSync, generation: number): LeaseMember[] {
  return database
    .prepare("SELECT * FROM member WHERE generation=? ORDER BY pid")
    .all(generation)
    .map((raw) => ({ ...seatOf(raw, ""), role: raw["role"] as LeaseMember["role"], label: textOf(raw["label"]) }));
}

type Raw = Record<string, SQLOutputValue>;

function rowOf(raw: Raw): LeaseRow {
  const reservedFor = textOf(raw["reserved_for"]);
  return {
    generation: Number(raw["generation"]),
    state: raw["state"] as LeaseState,
    token: textOf(raw["token"]),
    owner: textOf(raw["owner"]),
    reason: textOf(raw["reason"]),
    beacon: textOf(raw["beacon"]),
    holder: raw["pid"] === null ? null : seatOf(raw, ""),
    host: textOf(raw["host"]),
    acquiredAt: raw["acquired_at"] === null ? null : Number(raw["acquired_at"]),
    reservation: reservedFor === null ? null : { owner: reservedFor, by: seatOf(raw, "reserved_") },
    yieldRequestedBy: textOf(raw["yield_requested_by"]),
  };
}

function seatOf(raw: Raw, prefix: string): Seat {
  return {
    pid: Number(raw[`${prefix}pid`]),
    start: textOf(raw[`${prefix}start`]) ?? "",
    boot_id: textOf(raw[`${prefix}boot_id`]) ?? "",
    pid_ns: textOf(raw[`${prefix}pid_ns`]) ?? "",
  };
}

function textOf(value: SQLOutputValue | undefined): string | null {
  return typeof value === "string" ? value : null;
}

const DAMAGE: ReadonlySet<number | undefined> = new Set([SQLITE.ERROR, SQLITE.IOERR, SQLITE.CORRUPT, SQLITE.NOTADB]);

/** What SQLite says of a store, as an error with a name. */
export function named(place: StorePlace, error: unknown): unknown {
  const code = sqliteCodeOf(error);
  if (code === SQLITE.CANTOPEN || errnoOf(error) === "ENOENT") {
    const found = statSync(place.database, { throwIfNoEntry: false });
    if (found === undefined) return storeMissing(place.folder, `"${basename(place.database)}" was removed`, error);
    return new HostError("FILE_SYSTEM", `Cannot open the lease store "${place.folder}"`, {
      cause: error,
      hint: `Run as the account that owns "${dirname(place.folder)}"`,
    });
  }
  if (code === SQLITE.FULL || errnoOf(error) === "ENOSPC")
    return new HostError("NO_SPACE", `Cannot write to the lease store "${place.folder}": the disk is full`, {
      cause: error,
      hint: "Free space there; nothing was changed",
    });
  if (code === SQLITE.READONLY)
    return new HostError("FILE_SYSTEM", `Cannot write to the lease store "${place.folder}"`, {
      cause: error,
      hint: `Run as the account that owns "${dirname(place.folder)}", on a file system that can be written`,
    });
  // SQLITE_ERROR: a table that is not there. IOERR, CORRUPT, NOTADB: not what was written.
  return DAMAGE.has(code) ? storeDamaged(place.folder, messageOf(error), error) : error;
}
