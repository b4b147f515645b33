import type { DatabaseLook } from "../../vault/index.ts";
import type { PageFile } from "./page-file.ts";
import type { RecordFile } from "./record-file.ts";

/** A database as it was copied. */
export interface SeenDatabase {
  /** null when a look did not tell. */
  readonly look: DatabaseLook | null;
  /** When its pages were last read. Milliseconds since the epoch. */
  readonly readAt: number;
  /** undefined when they could not be written down. */
  readonly pages: PageFile | undefined;
}

export interface RememberedReading {
  readonly head: Uint8Array;
  readonly records: RecordFile;
}

/**
 * What is known of one component beside its tree: a hint that saves reading. It belongs to that tree, and is worth nothing
 * without it.
 */
export interface ComponentCache {
  /** Of the tree: see treeName(). */
  readonly tree: string;
  /** When the backup began that it was made for. Milliseconds since the epoch. */
  readonly begun: number;
  /** What the reading wants to know again: what it gave in the end, and what it wrote down before. */
  readonly memory: RememberedReading | undefined;
  /** By entry path. */
  readonly databases: ReadonlyMap<string, SeenDatabase>;
}
