import { existsSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { HostError, makeFolder, messageOf } from "../kernel/index.ts";
import { isForbidden, isUnreadable, lockForMoving, openFile, type LedgerFile } from "./ledger-file.ts";
import { SqliteLedger } from "./sqlite-ledger.ts";

/**
 * Opens the ledger of an instance, and makes it when there is none. One that cannot be read is moved aside: nothing that is
 * protected may wait for a diary.
 *
 * @param onRemark told when that happened
 * @throws HostError FILE_SYSTEM when nothing can be written there
 */
export function openLedger(stateDir: string, onRemark: (text: string) => void): SqliteLedger {
  makeFolder(stateDir);
  const path = join(stateDir, "ledger.db");
  try {
    return new SqliteLedger(openFile(path), stateDir);
  } catch (error) {
    if (isForbidden(error)) throw forbidden(error, stateDir);
    if (!isUnreadable(error)) throw error;
    return new SqliteLedger(openAnew(stateDir, path, onRemark), stateDir);
  }
}

function forbidden(error: Error, stateDir: string): HostError {
  return new HostError("FILE_SYSTEM", `Cannot write the ledger in "${stateDir}": ${error.message}`, {
    cause: error,
    hint: "Let this account write there, or choose another state_dir",
  });
}

/** One process at a time, and each looks again: what another has made meanwhile is sound, and stays. */
function openAnew(stateDir: string, path: string, onRemark: (text: string) => void): LedgerFile {
  using _ = lockForMoving(stateDir);
  return openOrReplace(stateDir, path, onRemark);
}

/** For whoever has the lock. */
export function openOrReplace(stateDir: string, path: string, onRemark: (text: string) => void): LedgerFile {
  try {
    return openFile(path);
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    const aside = moveAside(stateDir, path);
    const why = messageOf(error).replaceAll(/\s+/g, " ");
    onRemark(`The ledger could not be read (${why}), was moved to "${aside}", and begins anew`);
    return openFile(path);
  }
}

/** Of an instance that has one; null elsewhere. For what only looks. */
export function findLedger(stateDir: string, onRemark: (text: string) => void): SqliteLedger | null {
  return existsSync(join(stateDir, "ledger.db")) ? openLedger(stateDir, onRemark) : null;
}

/** One broken ledger is kept; those before it have been looked at or never will be. */
function moveAside(stateDir: string, path: string): string {
  for (const name of readdirSync(stateDir)) if (name.startsWith("ledger.broken-")) rmSync(join(stateDir, name), { force: true });
  const aside = join(stateDir, `ledger.broken-${Date.now()}`);
  for (const suffix of ["", "-wal", "-shm"]) if (existsSync(`${path}${suffix}`)) renameSync(`${path}${suffix}`, `${aside}${suffix}`);
  return aside;
}
