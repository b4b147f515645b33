import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import {
  BusyError,
  errnoOf,
  formatDuration,
  isRunning,
  monotonicNow,
  pause,
  thisProcess,
  tryFileLock,
  type LockMode,
  type ProcessIdentity,
  throwIfAborted,
} from "../kernel/index.ts";
import type { Layout } from "./layout.ts";

export interface LockRequest {
  /** `shared` reads a backup, `write` makes or removes one, `exclusive` sweeps the trash. */
  readonly mode: LockMode;
  /** For the message that somebody else gets meanwhile: "a backup". */
  readonly what: string;
  /** Milliseconds to wait for others; 0 unless told. */
  readonly wait?: number;
  readonly signal?: AbortSignal;
}

export interface HeldLock extends Disposable {
  readonly mode: LockMode;
}

interface Holder extends ProcessIdentity {
  readonly what: string;
  readonly since: string;
}

/** Between two attempts. SQLite's own waiting would block the whole process. Milliseconds. */
const PAUSE = 25;

/**
 * Takes the lock of a vault, which ends with the process that holds it.
 *
 * @throws BusyError VAULT_BUSY · InterruptedError
 */
export async function lockVault(layout: Layout, request: LockRequest): Promise<HeldLock> {
  const deadline = monotonicNow() + (request.wait ?? 0);
  for (;;) {
    throwIfAborted(request.signal);
    const held = tryLock(layout, request);
    if (held !== undefined) return held;
    const left = deadline - monotonicNow();
    if (left <= 0) throw busy(layout);
    await pause(Math.min(PAUSE, left), request.signal);
  }
}

function tryLock(layout: Layout, { mode, what }: LockRequest): HeldLock | undefined {
  const lock = tryFileLock(layout.lock, mode);
  if (lock === undefined) return undefined;
  if (mode !== "shared") writeHolder(layout, what);
  let held = true;
  return {
    mode,
    [Symbol.dispose]: () => {
      if (!held) return;
      held = false;
      if (mode !== "shared") rmSync(layout.holder, { force: true });
      lock[Symbol.dispose]();
    },
  };
}

function writeHolder(layout: Layout, what: string): void {
  const holder: Holder = { ...thisProcess(), what, since: new Date().toISOString() };
  const temporary = `${layout.holder}.${process.pid}.tmp`;
  try {
    writeFileSync(temporary, JSON.stringify(holder), { mode: 0o600 });
    renameSync(temporary, layout.holder);
  } catch (error) {
    // Only the text of a message depends on it; a full disk is found by what needs the space.
    rmSync(temporary, { force: true });
    if (errnoOf(error) === undefined) throw error;
  }
}

function busy(layout: Layout): BusyError {
  const holder = readHolder(layout);
  const who =
    holder === undefined
      ? "another process"
      : `${holder.what} (process ${holder.pid}, for ${formatDuration(Math.max(0, Date.now() - Date.parse(holder.since)))})`;
  return new BusyError("VAULT_BUSY", `The vault at "${layout.top}" is in use by ${who}`, {
    hint: "Wait until it has ended, or give a longer --wait",
    ...(holder === undefined ? {} : { details: { pid: holder.pid, what: holder.what, since: holder.since } }),
  });
}

function readHolder(layout: Layout): Holder | undefined {
  try {
    const holder = JSON.parse(readFileSync(layout.holder, "utf8")) as Holder;
    return isRunning(holder) ? holder : undefined;
  } catch {
    return undefined;
  }
}
