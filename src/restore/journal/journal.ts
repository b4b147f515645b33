import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  BusyError,
  createFile,
  DamageError,
  errnoOf,
  InternalError,
  makeFolder,
  removeFile,
  replaceFile,
  tryFileLock,
} from "../../kernel/index.ts";

/** A step of the swap, with everything that is needed to do it, undo it, and tell which of both was done. Absolute paths. */
export interface JournaledMove {
  readonly component: string;
  readonly how: "rename" | "content";
  readonly live: string;
  /** Where what was there goes; null when nothing was. */
  readonly going: string | null;
  /** Where what comes was staged; null when nothing comes. */
  readonly coming: string | null;
  /** What both looked like before the first step. */
  readonly goingPrint: string | null;
  readonly comingPrint: string | null;
}

/** Mode, owner and time of a folder that stays. */
export interface FolderState {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime_ns: string;
}

export interface JournaledFolder {
  readonly component: string;
  readonly live: string;
  readonly before: FolderState;
  readonly after: FolderState;
}

/**
 * - `staging`: nothing live was touched
 * - `stopping`: the runtime may be stopped; nothing else was touched
 * - `swapping`: any of the moves may be done
 * - `swapped`: all are; the runtime may not be up, its health is not known
 */
export type JournalPhase = "staging" | "stopping" | "swapping" | "swapped";

export interface RestoreJournal {
  readonly version: "1";
  readonly id: string;
  readonly kind: "restore" | "undo";
  readonly backup: string;
  readonly safety: string | null;
  readonly started_at: string;
  readonly phase: JournalPhase;
  /** This restore starts the runtime, on a state that is whole: whoever starts with it waits for no end of the restore. */
  readonly starting?: boolean;
  /** Where an interrupted swap is to end when every move is done: "old" once it was decided to go back. */
  readonly towards: "new" | "old";
  /** Folders that hold staged and old sets, each with a marker file. */
  readonly beside: readonly string[];
  readonly moves: readonly JournaledMove[];
  readonly folders: readonly JournaledFolder[];
  /** Components whose way back is the safety backup: databases written while in use, and commands. */
  readonly others: readonly JournaledOther[];
}

export interface JournaledOther {
  readonly component: string;
  readonly how: "online" | "command";
  /** `begun` is written before it is given its dump: from then on nobody can say what it holds until `done`. */
  readonly state: "waiting" | "begun" | "done";
}

export function journalFolder(stateDir: string): string {
  return join(stateDir, "restore");
}

function journalPath(stateDir: string): string {
  return join(journalFolder(stateDir), "journal.json");
}

/** The journal of a restore that runs or did not end; null when there is none. */
export function readJournal(stateDir: string): RestoreJournal | null {
  return readJournalFile(journalPath(stateDir));
}

export function readJournalFile(path: string): RestoreJournal | null {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") return null;
    throw error;
  }
  try {
    const value = JSON.parse(text) as RestoreJournal | null;
    if (value?.version === "1" && Array.isArray(value.moves) && Array.isArray(value.folders) && Array.isArray(value.beside)) return value;
  } catch {
    // Falls through to the same error: what cannot be understood must not be acted on.
  }
  throw new DamageError("JOURNAL_DAMAGED", `The restore journal "${path}" cannot be understood`, {
    hint: "It is written by atomic renames, so something else changed it; look beside the targets for .holdfast-old-* and .holdfast-new-* sets before anything is started",
  });
}

/** The one restore of an instance: holds the lock while it runs, and the journal until it is settled. */
export class OpenJournal implements Disposable {
  readonly stateDir: string;
  readonly #lock: Disposable;
  #journal: RestoreJournal | null;

  private constructor(stateDir: string, lock: Disposable, journal: RestoreJournal | null) {
    this.stateDir = stateDir;
    this.#lock = lock;
    this.#journal = journal;
  }

  /**
   * Takes the right to restore.
   *
   * @throws BusyError RESTORE_RUNNING when another process restores or settles
   */
  static open(stateDir: string): OpenJournal {
    makeFolder(journalFolder(stateDir));
    const lock = tryFileLock(join(journalFolder(stateDir), "lock"), "exclusive");
    if (lock === undefined) throw restoreRunning();
    try {
      return new OpenJournal(stateDir, lock, readJournal(stateDir));
    } catch (error) {
      lock[Symbol.dispose]();
      throw error;
    }
  }

  /** What an earlier restore left unsettled. */
  get pending(): RestoreJournal | null {
    return this.#journal;
  }

  get current(): RestoreJournal {
    if (this.#journal === null) throw new InternalError("No restore is journaled");
    return this.#journal;
  }

  /** Exclusive create: the lock keeps others out, and this keeps us from writing over what was never settled. */
  begin(journal: RestoreJournal): void {
    if (!createFile(journalPath(this.stateDir), textOf(journal))) throw restoreRunning();
    this.#journal = journal;
  }

  write(change: Partial<RestoreJournal>): void {
    const journal = { ...this.current, ...change };
    replaceFile(journalPath(this.stateDir), textOf(journal));
    this.#journal = journal;
  }

  /** Nothing is pending any more. */
  close(): void {
    removeFile(journalPath(this.stateDir));
    this.#journal = null;
  }

  [Symbol.dispose](): void {
    this.#lock[Symbol.dispose]();
  }
}

export function textOf(journal: RestoreJournal): string {
  return `${JSON.stringify(journal, null, 1)}\n`;
}

function restoreRunning(): BusyError {
  return new BusyError("RESTORE_RUNNING", "A restore of this instance is running", { hint: "Wait until it has ended" });
}
