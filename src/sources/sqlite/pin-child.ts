/**
 * The process that holds a snapshot of one database, from the first request until it is killed. It
 * opens the database through SQLite, once, and reads none of its pages itself: the engine's threads do, by path.
 *
 * What SQLite does not tell of a log is which state the transaction sees. It stands in the log's shared index, which is read before
 * and after the transaction began through a descriptor that is never closed: closing any descriptor of a file drops every
 * POSIX lock that this process holds on it. It is not exported; the kernel closes it last of all, with the process.
 */
import { openSync, fstatSync, statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { createInterface } from "node:readline";
import { inNameOf } from "./in-name-of.ts";
import { failureOf, numberOf, openImmutable, quickCheck, schemaSha256, seen } from "./inspect-database.ts";
import type { PinAnswer, Pinned, PinRequest } from "./pin-protocol.ts";
import { readWalIndex, type WalIndex } from "./wal-index.ts";

/** How often a transaction is begun until nobody has committed in between. One takes less than a tenth of a millisecond. */
const TRIES = 1000;

interface Held {
  readonly database: DatabaseSync;
  readonly log: { readonly descriptor: number; readonly index: WalIndex } | null;
}

let held: Held | undefined;

function pin(request: Extract<PinRequest, { kind: "pin" }>): Pinned {
  const before = seen(request.path);
  const { database, descriptor } = inNameOf(request.as, () => open(request));
  const index = descriptor === null ? null : beginOfLog(database, descriptor);
  if (index === null) begin(database);
  // Somebody may have put it into write-ahead mode before it began; from now on nobody can.
  if (request.mode === "rollback") requireMode(database, request.mode);
  const pages = numberOf(database, "page_count");
  const pageSize = numberOf(database, "page_size");
  held = { database, log: descriptor === null || index === null ? null : { descriptor, index } };
  // A log that holds nothing yet, as when a runtime has just opened its database, says neither.
  if (index !== null && index.frames > 0 && (pages !== index.pages || pageSize !== index.pageSize))
    throw new Error(
      `The transaction sees ${pages} pages of ${pageSize} bytes, and the log's index says ${index.pages} of ${index.pageSize}`,
    );
  return {
    ok: true,
    before,
    after: seen(request.path),
    pageSize,
    pages,
    index,
    userVersion: numberOf(database, "user_version"),
    applicationId: numberOf(database, "application_id"),
    schemaSha256: schemaSha256(database),
  };
}

/** The descriptor is that of the log's index. */
function open({ path, mode, busyTimeout }: Extract<PinRequest, { kind: "pin" }>): {
  database: DatabaseSync;
  descriptor: number | null;
} {
  if (mode === "cold") return { database: openImmutable(path), descriptor: null };
  const database = new DatabaseSync(path, { readOnly: true, timeout: busyTimeout });
  try {
    // The first read opens the log, and makes its index when it is missing.
    database.prepare("PRAGMA user_version").get();
    requireMode(database, mode);
    return { database, descriptor: mode === "wal" ? openSync(`${path}-shm`, "r") : null };
  } catch (error) {
    database.close();
    throw error;
  }
}

function requireMode(database: DatabaseSync, mode: "wal" | "rollback"): void {
  const { journal_mode: journal } = database.prepare("PRAGMA journal_mode").get() as { journal_mode: string };
  if ((journal === "wal") !== (mode === "wal")) throw new Error(`The database is in mode "${journal}"`);
}

/** Only a read takes the mark, or the lock. */
function begin(database: DatabaseSync): void {
  database.exec("BEGIN");
  database.prepare("PRAGMA user_version").get();
}

/** Begins a read transaction of which is known what it sees: nothing was committed from before it began until it had. */
function beginOfLog(database: DatabaseSync, descriptor: number): WalIndex {
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    const before = readWalIndex(descriptor);
    begin(database);
    const after = readWalIndex(descriptor);
    if (before !== undefined && after !== undefined && before.header === after.header) return after;
    database.exec("ROLLBACK");
  }
  throw new Error(`Others committed during each of ${TRIES} beginnings of a transaction`);
}

/**
 * Nothing may have been put into the database file beyond the snapshot of a log, and its frames must not have been overwritten.
 * Where they are all in the file already the log may be begun anew, and then nothing of it goes into the file.
 */
function stillHeld({ database, log }: Held, path: string): void {
  if (!database.isTransaction) throw new Error("The transaction has ended");
  numberOf(database, "user_version");
  if (log === null) return;
  const { descriptor, index } = log;
  const own = fstatSync(descriptor, { bigint: true });
  const there = statSync(`${path}-shm`, { bigint: true });
  if (own.ino !== there.ino || own.dev !== there.dev) throw new Error("The log's index was replaced");
  const now = settled(descriptor);
  if (now.salts === index.salts) {
    if (now.backfilled > index.frames || now.attempted > index.frames) throw new Error("A checkpoint went beyond the snapshot");
    return;
  }
  if (index.backfilled < index.frames) throw new Error("The log was begun anew");
  if (now.backfilled > 0 || now.attempted > 0) throw new Error("The log was begun anew, and a checkpoint went beyond the snapshot");
}

/** A writer changes it within microseconds; one that was killed while it did leaves it to the next one. */
function settled(descriptor: number): WalIndex {
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    const index = readWalIndex(descriptor);
    if (index !== undefined) return index;
  }
  throw new Error("The log's index is not whole");
}

let path = "";

function answer(request: PinRequest): PinAnswer {
  try {
    if (request.kind === "pin") {
      ({ path } = request);
      return pin(request);
    }
    if (held === undefined) throw new Error("Nothing is held");
    switch (request.kind) {
      case "ask":
        return { ok: true, value: Object.values(held.database.prepare(request.sql).get() ?? {})[0] ?? null };
      case "check":
        return { ok: true, ...quickCheck(held.database) };
      default:
        stillHeld(held, path);
        return { ok: true };
    }
  } catch (error) {
    return { ok: false, ...failureOf(error) };
  }
}

process.umask(0o077);
const lines = createInterface({ input: process.stdin });
lines.on("line", (line) => process.stdout.write(`${JSON.stringify(answer(JSON.parse(line) as PinRequest))}\n`));
// The engine is gone, and with it whoever wanted the snapshot.
lines.on("close", () => process.kill(process.pid, "SIGKILL"));
