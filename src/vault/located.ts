import type { Entry } from "./entry.ts";

/** An entry with where its content lies. Of the content nothing is proved: whoever reads it compares it with the entry. */
export interface LocatedEntry {
  readonly entry: Entry;
  /** undefined for directories, links, and further names of a file. */
  readonly content?: LocatedContent;
}

/** Where a content lies, by value, as a span says it of a source: what another thread is given in place of the bytes. */
export interface LocatedContent {
  /** For Contents.read(). */
  readonly at: unknown;
  /** The same for contents that lie together and cost less when one thread reads them in a row; undefined for a large one. */
  readonly near: string | undefined;
  /** Parts of it can be read by themselves. */
  readonly divisible: boolean;
}

/** Bytes of a content, from one to before another: where groups of GROUP_BYTES begin, or its end. */
export interface ContentPart {
  readonly from: number;
  readonly to: number;
}

/** The contents of one backup, in one thread. */
export interface Contents extends Disposable {
  /**
   * The bytes in order; each piece is good until the next is asked for.
   *
   * @param at of a LocatedContent, or a copy of it
   * @param part of a divisible one; all of it unless given
   * @throws DamageError BACKUP_DAMAGED
   */
  read(at: unknown, part?: ContentPart): Iterable<Uint8Array>;
}

/** What the module that a reader names gives. */
export interface ContentsModule {
  readonly openContents: (data: unknown) => Contents;
}

/** A backup whose contents any thread of this process can read by itself, while the reader that gave it is open. */
export interface LocatedBackup {
  /** URL of a ContentsModule. */
  readonly module: string;
  /** What its openContents() takes; by value, and as secret as the keys that are in it. */
  readonly data: unknown;
  /** openContents() for this thread. */
  open(): Contents;
  /** As BackupReader.read(), without the bytes. */
  entries(options?: { readonly select?: (entry: Entry) => boolean; readonly signal?: AbortSignal }): AsyncIterable<LocatedEntry>;
}
