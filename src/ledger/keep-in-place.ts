import { linkSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { identityAt, identityKey, makeFolder, syncFolder } from "../kernel/index.ts";
import { isUnreadable, lockForMoving } from "./ledger-file.ts";
import { openOrReplace } from "./open-ledger.ts";
import type { SqliteLedger } from "./sqlite-ledger.ts";

/**
 * Goes on in the file that lies in the ledger's place. When it was removed, all that this process still reads of it is
 * written there anew; when another one lies there, that one holds: others write to it.
 *
 * @param onRemark told when that happened
 */
export function keepInPlace(ledger: SqliteLedger, onRemark: (text: string) => void): void {
  if (isInPlace(ledger)) return;
  const { path } = ledger.file;
  const stateDir = dirname(path);
  makeFolder(stateDir);
  using _ = lockForMoving(stateDir);
  if (isInPlace(ledger)) return;
  const removed = identityAt(path) === undefined;
  if (removed) putBack(ledger, path);
  ledger.moveTo(openOrReplace(stateDir, path, onRemark));
  onRemark(
    removed
      ? `The ledger "${path}" was removed while it was in use: it is written anew, with all that was in it`
      : `Another file was put in the place of the ledger "${path}" while it was in use: that one is used from here on`,
  );
}

/**
 * When an error says that the ledger cannot be read any more, moves it aside and goes on in a new one.
 *
 * @returns whether it was that
 */
export function replaceDamaged(ledger: SqliteLedger, error: unknown, onRemark: (text: string) => void): boolean {
  if (!isUnreadable(error)) return false;
  const { path } = ledger.file;
  const stateDir = dirname(path);
  using _ = lockForMoving(stateDir);
  ledger.moveTo(openOrReplace(stateDir, path, onRemark));
  return true;
}

function isInPlace({ file }: SqliteLedger): boolean {
  const there = identityAt(file.path);
  return there !== undefined && identityKey(there) === identityKey(file.identity);
}

function putBack(ledger: SqliteLedger, path: string): void {
  const copy = `${path}.new`;
  rmSync(copy, { force: true });
  // What is left of the removed one belongs to no file any more, and would be taken for the new one's.
  for (const suffix of ["-wal", "-shm"]) rmSync(`${path}${suffix}`, { force: true });
  ledger.copyTo(copy);
  // Never over one that came to be meanwhile.
  linkSync(copy, path);
  rmSync(copy);
  syncFolder(dirname(path));
}
