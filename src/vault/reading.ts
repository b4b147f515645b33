import type { ContentProof } from "./content-proof.ts";
import type { Entry } from "./entry.ts";
import type { Content } from "./span.ts";

/** An entry before its bytes were read: no hash yet, and for a stream no size. */
export type EntryHead = Omit<Entry, keyof ContentProof | "component">;

export interface ReadingEntry {
  readonly head: EntryHead;
  readonly content: Content;
  /**
   * Where a file lay, by its inode, when the backup was taken that the reading is compared with: entry path. What was stored
   * there may be what is in it now.
   */
  readonly movedFrom?: string;
  /** What the backup that it is read from records of the content, which is that: it is stored once more under the same. */
  readonly proof?: ContentProof;
}

/**
 * Files and folders, one behind the other, that are as they were in the backup that the reading was compared with: a vault that has them
 * asks for nothing else.
 */
export interface UntouchedEntries {
  /** At least one. Entry paths; sizes in bytes, of a folder 0. */
  readonly entries: readonly { readonly path: string; readonly type: "file" | "directory"; readonly size: number }[];
  /** One of them for who cannot keep it as it was stored. */
  entry(index: number): ReadingEntry;
}

/** Something of the component that is not in the backup. */
export interface Omission {
  readonly path: string;
  readonly reason: string;
  /** True when leaving it out is what the rules ask for (a socket, the vault itself): the component is still whole. */
  readonly harmless: boolean;
}

/** A file that did not hold still while it was read. */
export interface Change {
  readonly path: string;
  /**
   * grew: the size seen at open was stored and is a true prefix · rewritten: stored as read, may mix two states ·
   * replaced: another file has its name now · vanished: it was gone before it was read and is not stored
   */
  readonly change: "grew" | "rewritten" | "replaced" | "vanished";
}

export interface SqliteDetails {
  readonly page_size: number;
  readonly pages: number;
  readonly user_version: number;
  readonly application_id: number;
  readonly journal_mode: "wal" | "rollback";
  readonly schema_sha256: string;
  /** "ok", the first complaint, or "skipped" when the last check is younger than a day or the file is unchanged. */
  readonly quick_check: string;
  /** When quick_check last really ran on this database. ISO 8601, UTC. */
  readonly quick_checked_at: string | null;
  /** Where the bytes were read: "staged" from a copy, "cold" while nobody had it open, "pinned" in place under a read transaction. */
  readonly read: "staged" | "cold" | "pinned";
}

/** Kept by a salvage although no copy that can be relied on could be had. */
export interface Salvaged {
  /** The component is a database kept raw in a folder: its file, beside which its sidecars lie. null for anything else. */
  readonly file: string | null;
  /** Why the component itself is kept so. */
  readonly reason?: string;
  /** Databases inside a tree that are kept raw, by entry path; a warning says why. */
  readonly paths?: readonly string[];
}

/** What a reading has learned; complete once entries() has ended and confirm() has passed. */
export interface ReadingReport {
  readonly source: SourceKind;
  readonly resolved_path: string | null;
  readonly sqlite?: SqliteDetails;
  /** Databases inside a tree, by entry path. */
  readonly databases?: Readonly<Record<string, SqliteDetails>>;
  readonly salvaged?: Salvaged;
  /** A consistent copy of something that is itself damaged, or a raw one of something. */
  readonly suspect: boolean;
  readonly omissions: readonly Omission[];
  readonly warnings: readonly string[];
}

export const SOURCE_KINDS = ["tree", "file", "sqlite", "json", "log", "command"] as const;
export type SourceKind = (typeof SOURCE_KINDS)[number];

/**
 * A consistent view of a source. Entries come sorted, a directory before what is in it. Nothing of it may be
 * committed before confirm() has passed; close() always runs, also after a failure, and removes staged copies
 * that were not moved away.
 */
export interface Reading {
  /**
   * Nothing of the component has been touched since the backup that it was compared with (KnownState.whole): its entries
   * are those of that backup, and are not asked for.
   */
  readonly untouched?: boolean;
  entries(): AsyncIterable<ReadingEntry>;
  /** The same in place of it, for who may keep many files at a time. Absent: there are none such. */
  batches?(): AsyncIterable<ReadingEntry | UntouchedEntries>;
  /** Of a database whose bytes are no file of their own: one value out of it by SQL. */
  query?(sql: string): Promise<unknown>;
  /** Why confirm() will not pass, as soon as that is known: what takes long need not be stored to its end. */
  lost?(): Error | undefined;
  confirm(): Promise<void>;
  report(): ReadingReport;
  /** What the next reading of the component would like to know beside its records (KnownState.memory); complete when the report is. */
  memory?(): Uint8Array | undefined;
  close(): Promise<void>;
}
