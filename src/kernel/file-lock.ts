import { statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { HostError, messageOf } from "./errors.ts";
import { SQLITE, sqliteCodeOf } from "./sqlite-code.ts";

/**
 * - `shared`: any number at once, beside one writer
 * - `write`: one writer
 * - `exclusive`: nobody else at all
 */
export type LockMode = "shared" | "write" | "exclusive";

const BEGIN = { shared: "BEGIN", write: "BEGIN IMMEDIATE", exclusive: "BEGIN EXCLUSIVE" } as const;

/**
 * Takes a lock without waiting: an open transaction on an empty SQLite file in rollback mode. The kernel releases it
 * when the process dies, however it dies, so that no lock is ever stale.
 *
 * @returns undefined when somebody else has it
 */
export function tryFileLock(path: string, mode: LockMode): Disposable | undefined {
  const database = open(path, mode);
  try {
    database.exec(BEGIN[mode]);
    // A deferred transaction takes its lock with its first read.
    if (mode === "shared") database.prepare("SELECT count(*) FROM sqlite_schema").get();
  } catch (error) {
    database.close();
    if (sqliteCodeOf(error) === SQLITE.BUSY) return undefined;
    if (sqliteCodeOf(error) === SQLITE.FULL)
      throw new HostError("NO_SPACE", `Cannot lock "${path}": the disk is full`, {
        cause: error,
        hint: "Free space there; nothing was changed",
      });
    throw new HostError("FILE_SYSTEM", `Cannot lock "${path}": ${messageOf(error)}`, {
      cause: error,
      hint: "It must be a file that this account can write, on a file system that keeps locks",
    });
  }
  let held = true;
  return {
    [Symbol.dispose]: () => {
      if (!held) return;
      held = false;
      database.close();
    },
  };
}

/** What lies on read-only storage can be read by anyone; nobody can write to it. */
function open(path: string, mode: LockMode): DatabaseSync {
  try {
    return new DatabaseSync(path, { timeout: 0 });
  } catch (error) {
    if (mode === "shared" && statSync(path, { throwIfNoEntry: false }) !== undefined)
      return new DatabaseSync(path, { timeout: 0, readOnly: true });
    throw new HostError("FILE_SYSTEM", `Cannot open the lock "${path}"`, {
      cause: error,
      hint: "Run as the account that owns the folder it lies in",
    });
  }
}
