import { randomUUID } from "node:crypto";
import { existsSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { HostError, makeFolder, tryFileLock } from "../kernel/index.ts";

/**
 * A process that is there: a lock of the kernel's on a file of its own, which ends with the process, however it ends.
 * It means the same in every container that shares the folder, where numbers of processes do not.
 */
export interface Presence extends Disposable {
  readonly id: string;
}

const FOLDER = "present";

export function bePresent(stateDir: string): Presence {
  const folder = join(stateDir, FOLDER);
  makeFolder(folder);
  const id = randomUUID();
  const path = join(folder, id);
  const unready = join(folder, `.${id}`);
  const lock = tryFileLock(unready, "exclusive");
  if (lock === undefined)
    throw new HostError("FILE_SYSTEM", `Cannot lock "${path}"`, { hint: "It must lie on a file system that keeps locks" });
  // Its name appears with the lock on it: whoever sweeps must not find it free.
  renameSync(unready, path);
  return {
    id,
    [Symbol.dispose]: () => {
      lock[Symbol.dispose]();
      rmSync(path, { force: true });
    },
  };
}

export function isPresent(stateDir: string, id: string): boolean {
  const path = join(stateDir, FOLDER, id);
  if (!existsSync(path)) return false;
  const lock = tryFileLock(path, "exclusive");
  lock?.[Symbol.dispose]();
  return lock === undefined;
}

/** What processes that were killed left behind. */
export function sweepPresences(stateDir: string): void {
  const folder = join(stateDir, FOLDER);
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) {
    const [, id = "", ending] = LEFT_BEHIND.exec(name) ?? [];
    const path = join(folder, name);
    if (id === "" || (ending === undefined && name !== id && !isOld(path))) continue;
    // SQLite's journal goes by the name that the lock was taken under.
    if (ending !== undefined && existsSync(join(folder, `.${id}`))) continue;
    if (!isPresent(stateDir, id)) rmSync(path, { force: true });
  }
}

const LEFT_BEHIND = /^\.?([0-9a-f-]{36})(-journal)?$/;
/** From the making of an unready one to its name takes no time at all, and a sweep must not come between. Milliseconds. */
const UNREADY = 60_000;

function isOld(path: string): boolean {
  const made = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
  return made !== undefined && Date.now() - made > UNREADY;
}
