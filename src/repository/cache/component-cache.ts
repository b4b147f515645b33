import type { DatabaseLook, FileLook } from "../../vault/index.ts";
import type { PageHashes } from "../split/page-hashes.ts";

/** What a look at a file said when its content was stored. */
export interface SeenFile extends FileLook {
  /** When its bytes were last read. Milliseconds since the epoch. */
  readonly readAt: number;
}

/** A database as it was copied. */
export interface SeenDatabase {
  /** null when a look did not tell. */
  readonly look: DatabaseLook | null;
  /** When its pages were last read. Milliseconds since the epoch. */
  readonly readAt: number;
  readonly hashes: PageHashes;
}

/**
 * What is known of the files of one component beside the tree: a hint that saves reading. It belongs to one backup, and is
 * worth nothing without it.
 */
export interface ComponentCache {
  /** Of the backup's manifest. */
  readonly manifestSha256: string;
  /** When that backup began. Milliseconds since the epoch. */
  readonly begun: number;
  /** By entry path. */
  readonly files: ReadonlyMap<string, SeenFile>;
  readonly databases: ReadonlyMap<string, SeenDatabase>;
}
