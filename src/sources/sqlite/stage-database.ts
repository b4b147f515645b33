import type { BigIntStats } from "node:fs";
import { dirname } from "node:path";
import { CaptureError, errnoOf, formatBytes, freeBytes, HostError, unsafeFileSystem, type FileIdentity } from "../../kernel/index.ts";
import type { DatabaseLook, SqliteDetails } from "../../vault/index.ts";
import { damagedDatabase } from "../damaged-database.ts";
import { throwIfStopped } from "../stop-signal.ts";
import { copyDatabase } from "./copy-database.ts";
import { copyError } from "./copy-error.ts";
import type { CopyAnswer, CopyRequest } from "./copy-protocol.ts";
import type { DatabaseChild } from "./database-child.ts";
import { isCold, settledState, stillCold } from "./cold-database.ts";
import { copyTime } from "./copy-time.ts";
import { databaseState, type DatabaseState } from "./database-state.ts";
import { databaseLook } from "./known-database.ts";
import { liveName } from "./live-name.ts";
import { keepOwners, openingAccount } from "./opening-account.ts";
import { checkIsDue, detailsOf, journalModeOf } from "./sqlite-details.ts";
import { requireSafeSqlite } from "./sqlite-version.ts";

const TRIES = 3;

export interface DatabaseToStage {
  readonly path: string;
  /** Root of the tree it lies in, where its other names are looked for. */
  readonly within: string | undefined;
  /** Path of the copy; nothing is there yet. */
  readonly target: string;
  readonly known: SqliteDetails | undefined;
  readonly busyTimeout: number;
  readonly now: number;
  readonly signal: AbortSignal | undefined;
}

export interface StagedDatabase {
  /** Of the original. */
  readonly stats: BigIntStats;
  /** What the original looked like before it was copied. */
  readonly look: DatabaseLook | undefined;
  readonly details: SqliteDetails;
  readonly suspect: boolean;
  readonly warnings: readonly string[];
}

/**
 * Makes a private copy of a database that is one committed state of it, whoever writes meanwhile. The original is not
 * changed, and no sidecar changes hands. None is left that was not there, except of a database that others open and close
 * whenever it is read: that one is opened like any other in the end.
 *
 * @returns undefined when nothing is at the path any more
 */
export async function stageDatabase(database: DatabaseToStage, child: DatabaseChild): Promise<StagedDatabase | undefined> {
  requireSafeSqlite();
  const unsafe = unsafeFileSystem(dirname(database.path));
  if (unsafe !== undefined) {
    throw new HostError(
      "FILE_SYSTEM_UNSUPPORTED",
      `"${database.path}" lies on ${unsafe}, where the locks of a database cannot be relied on`,
      {
        hint: "Run Holdfast where the runtime itself runs, on the disk that holds the database",
      },
    );
  }
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    throwIfStopped(database.signal);
    const seen = await lookAt(database.path, database.signal);
    if (seen === undefined) return undefined;
    const name = await liveName(database.path, seen, database.within, database.signal);
    const state = name.path === database.path ? seen : await lookAt(name.path, database.signal);
    if (state === undefined) continue;
    const staged = await attemptCopy(database, { path: name.path, state, cold: attempt < TRIES && isCold(state) }, child);
    if (staged === undefined) continue;
    return name.warning === undefined ? staged : { ...staged, warnings: [...staged.warnings, name.warning] };
  }
  throw new CaptureError("COMPONENT_MOVED", `"${database.path}" was replaced or touched during each of ${TRIES} readings`, {
    hint: "Back up when nothing replaces the database",
  });
}

async function lookAt(path: string, signal: AbortSignal | undefined): Promise<DatabaseState | undefined> {
  try {
    const state = await settledState(path, signal);
    if (state !== undefined && !state.headed) throw damagedDatabase(path, state.stats.size === 0n ? "empty" : "header-lost");
    return state;
  } catch (cause) {
    const errno = errnoOf(cause);
    if (errno === "ENOENT") return undefined;
    if (errno !== "EACCES" && errno !== "EPERM") throw cause;
    throw new CaptureError("COMPONENT_UNREADABLE", `"${path}" cannot be opened: ${errno}`, {
      cause,
      hint: "Run Holdfast as the account that owns it, or as root",
    });
  }
}

/** undefined: what was read is not to be believed, and is thrown away. */
async function attemptCopy(
  database: DatabaseToStage,
  { path, state, cold }: { readonly path: string; readonly state: DatabaseState; readonly cold: boolean },
  child: DatabaseChild,
): Promise<StagedDatabase | undefined> {
  const { target, signal } = database;
  const bytes = Number(state.stats.size + (state.sidecars.get("-wal")?.size ?? 0n));
  const free = freeBytes(dirname(target));
  if (free < bytes) {
    throw new HostError(
      "NO_SPACE",
      `The copy of "${path}" needs ${formatBytes(bytes)}, and ${formatBytes(free)} are free beside the vault`,
      {
        hint: "Free space on the vault's file system, or move backup.path to a larger one",
      },
    );
  }
  const due = checkIsDue(database.known, database.now);
  const request: CopyRequest = {
    kind: "copy",
    path,
    cold,
    target,
    busyTimeout: database.busyTimeout,
    as: cold ? null : openingAccount(path, state),
    quickCheck: due,
    copied: false,
  };
  const deadline = copyTime(bytes, database.busyTimeout);
  let answer: CopyAnswer | undefined;
  let problems: string[];
  try {
    answer = await copyDatabase({ request, state, bytes, deadline, signal }, child);
  } finally {
    problems = cold ? [] : keepOwners(path, state);
  }
  const after = databaseState(path);
  // It went away, was swapped under the name, or was opened as it was read: look again rather than call it broken.
  if (answer === undefined || !sameFile(state.identity, after?.identity) || (cold && !stillCold(state, after))) return undefined;
  if (!answer.ok) throw copyError(path, answer, state);
  if (!same(answer.before, state.identity) || !same(answer.after, state.identity)) return undefined;
  const learned = detailsOf({
    path: database.path,
    answer,
    journalMode: journalModeOf(target),
    read: cold ? "cold" : "staged",
    checked: due,
    known: database.known,
    now: database.now,
  });
  const look = path === database.path ? databaseLook(state) : undefined;
  return { stats: state.stats, look, ...learned, warnings: [...learned.warnings, ...problems] };
}

function sameFile(a: FileIdentity, b: FileIdentity | undefined): boolean {
  return b !== undefined && a.device === b.device && a.inode === b.inode;
}

function same(seen: { readonly device: string; readonly inode: string }, identity: FileIdentity): boolean {
  return seen.device === identity.device.toString() && seen.inode === identity.inode.toString();
}
