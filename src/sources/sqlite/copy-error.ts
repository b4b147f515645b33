import { CaptureError, HostError, type HoldfastError } from "../../kernel/index.ts";
import { userName } from "../account-names.ts";
import type { CopyAnswer } from "./copy-protocol.ts";
import type { DatabaseState } from "./database-state.ts";

type Failure = Extract<CopyAnswer, { ok: false }>;

const BUSY = 5;
const LOCKED = 6;
const READONLY = 8;
const IOERR = 10;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const NOTADB = 26;
const PERMISSION_ERRNOS = new Set(["EACCES", "EPERM"]);

/** What SQLite said, as something the caller can act on. https://sqlite.org/rescode.html */
export function copyError(path: string, failure: Failure, state: DatabaseState): HoldfastError {
  const primary = failure.sqlite === null ? null : failure.sqlite & 0xff;
  const details = { sqlite: failure.sqlite, errno: failure.errno, step: failure.step };
  if (primary === BUSY || primary === LOCKED) {
    return new CaptureError("DATABASE_LOCKED", `"${path}" stayed locked: ${failure.message}`, {
      details,
      hint: "See which process holds its write transaction open, or back up when it is quieter",
    });
  }
  if (primary === NOTADB || primary === CORRUPT) {
    return new CaptureError("DATABASE_DAMAGED", `"${path}" cannot be copied: ${failure.message}`, {
      details,
      hint: "Restore it from an older backup; it is damaged or encrypted",
    });
  }
  if ((primary === READONLY || primary === CANTOPEN) && state.sidecars.has("-journal")) {
    // A hot journal is rolled back by a writer, and this program writes to no source.
    return new CaptureError("DATABASE_LOCKED", `"${path}" has the journal of a transaction that was cut off`, {
      details,
      hint: "Let its application open it once, which rolls the transaction back; then try again",
    });
  }
  if (primary === FULL) {
    return new HostError("NO_SPACE", `No space is left for the copy of "${path}"`, {
      details,
      hint: "Free space on the vault's file system",
    });
  }
  if (primary === READONLY || primary === CANTOPEN || PERMISSION_ERRNOS.has(failure.errno ?? ""))
    return unreadableDatabase(path, state, failure.message);
  return new CaptureError("COMPONENT_UNREADABLE", `"${path}" cannot be read: ${failure.message}`, {
    details,
    hint: primary === IOERR ? "See the system's log for errors of its disk" : "Open it with the sqlite3 command to see what is wrong",
  });
}

export function unreadableDatabase(path: string, state: DatabaseState, why: string): CaptureError {
  const owner = state.sidecars.get("-shm") ?? state.stats;
  const uid = Number(owner.uid);
  const account = userName(uid) ?? `uid ${uid}`;
  return new CaptureError("COMPONENT_UNREADABLE", `"${path}" cannot be opened by this account: ${why}`, {
    details: { owner: uid },
    hint: `Run Holdfast as "${account}", which owns the database, or as root`,
  });
}
