import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { BusyError, errnoOf, formatDuration, HostError } from "../kernel/index.ts";
import type { Layout } from "./layout.ts";
import { isRunning, thisProcess, type ProcessIdentity } from "./process-identity.ts";
import { throwIfAborted } from "./throw-if-aborted.ts";

/**
 * - `shared`: reads a backup; any number at once, beside one writer
 * - `write`: the one writer
 * - `exclusive`: nobody else, reader or writer: for the sweep of the trash
 */
export type LockMode = "shared" | "write" | "exclusive";

export interface LockRequest {
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

const BEGIN = { shared: "BEGIN", write: "BEGIN IMMEDIATE", exclusive: "BEGIN EXCLUSIVE" } as const;
/** Between two attempts. SQLite's own waiting would block the whole process. Milliseconds. */
const PAUSE = 25;

/**
 * Takes the lock of a vault: an open transaction on an empty SQLite file in rollback mode. The kernel releases it when
 * the process dies, however it dies, so that no lock is ever stale.
 *
 * @throws BusyError VAULT_BUSY · InterruptedError
 */
export async function lockVault(layout: Layout, request: LockRequest): Promise<HeldLock> {
  const deadline = performance.now() + (request.wait ?? 0);
  for (;;) {
    throwIfAborted(request.signal);
    const held = tryLock(layout, request);
    if (held !== undefined) return held;
    const left = deadline - performance.now();
    if (left <= 0) throw busy(layout);
    await pause(Math.min(PAUSE, left), request.signal);
  }
}

function tryLock(layout: Layout, { mode, what }: LockRequest): HeldLock | undefined {
  const database = openLock(layout, mode);
  try {
    database.exec(BEGIN[mode]);
    // A deferred transaction takes its lock with its first read.
    if (mode === "shared") database.prepare("SELECT count(*) FROM sqlite_schema").get();
  } catch (error) {
    database.close();
    if (isBusy(error)) return undefined;
    throw new HostError(
      "FILE_SYSTEM",
      `Cannot lock the vault at "${layout.top}": ${error instanceof Error ? error.message : String(error)}`,
      {
        cause: error,
        hint: `"${layout.lock}" must be a file that this account can write, on a file system that keeps locks`,
      },
    );
  }
  if (mode !== "shared") writeHolder(layout, what);
  let open = true;
  return {
    mode,
    [Symbol.dispose]: () => {
      if (!open) return;
      open = false;
      if (mode !== "shared") rmSync(layout.holder, { force: true });
      database.close();
    },
  };
}

/** A vault on read-only storage can be read by anyone; nobody can write to it. */
function openLock(layout: Layout, mode: LockMode): DatabaseSync {
  try {
    return new DatabaseSync(layout.lock, { timeout: 0 });
  } catch (error) {
    if (mode !== "shared" || statSync(layout.lock, { throwIfNoEntry: false }) === undefined) {
      throw new HostError("FILE_SYSTEM", `Cannot open the lock of the vault at "${layout.top}"`, {
        cause: error,
        hint: "Run as the account that owns the vault",
      });
    }
    return new DatabaseSync(layout.lock, { timeout: 0, readOnly: true });
  }
}

function isBusy(error: unknown): boolean {
  // SQLITE_BUSY with any of its extended codes.
  return error instanceof Error && "errcode" in error && typeof error.errcode === "number" && (error.errcode & 0xff) === 5;
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

async function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(done, milliseconds);
    function done(): void {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    }
    signal?.addEventListener("abort", done, { once: true });
  });
}
