import type { ContentEnd, LiveFacts, ReadableContent, Span } from "../../vault/index.ts";
import type { PageFile } from "../cache/page-file.ts";
import type { Locator } from "../pack/locator.ts";
import type { FinishedPack } from "../pack/pack-writer.ts";
import type { FrameStoreOptions } from "./frame-store.ts";

/** What was stored the last time and may be what is in a file, as far as it may be named again. */
export interface BeforeFile {
  /** `kept`: whether it may be named again as a whole when it has the same hash. */
  readonly contents: readonly { readonly sha256: string; readonly kept: boolean }[];
  /** Of the large ones, one behind the other. `kept` is false for a chunk that must be stored anew, wherever it lies. */
  readonly chunks: readonly { readonly length: number; readonly hash: string; readonly kept: boolean }[];
}

export interface FileJob {
  readonly content: ReadableContent;
  readonly before: BeforeFile | undefined;
}

/**
 * Where bytes are, or the bytes themselves: what a thread stores of a small backup goes into the one pack of the main
 * thread, so that such a backup makes one pack and not one for each thread.
 */
export type Placed = Locator | Uint8Array;

/** Where the content of a file is. */
export type FileKept =
  | { readonly kind: "empty" }
  /** One of the contents that were stored the last time is what is in it now. */
  | { readonly kind: "same"; readonly index: number }
  | { readonly kind: "place"; readonly place: Placed }
  | { readonly kind: "chunks"; readonly chunks: readonly KeptChunk[] };

/** `place` is the index of the earlier chunk, or where it lies now. */
export interface KeptChunk {
  readonly length: number;
  readonly hash: string;
  readonly place: Placed | number;
}

export interface FileDone {
  readonly end: ContentEnd;
  readonly facts: LiveFacts | undefined;
  readonly kept: FileKept;
}

/** A range of the pages of one database. */
export interface PagesJob {
  readonly spans: readonly Span[];
  readonly pageSize: number;
  /** The range of pages [from, to): begins with a stretch, and ends with one or with the database. */
  readonly from: number;
  readonly to: number;
  /** 32 bytes. */
  readonly key: Uint8Array;
  /** What the pages were; undefined when there is nothing to compare with, and every page is stored. */
  readonly previous: PageFile | undefined;
  /** What they are, of which the range is written; undefined when that is not to be remembered. */
  readonly next: PageFile | undefined;
  /** Sorted pages of the range that are stored whether they changed or not. */
  readonly forced: Uint32Array;
}

/** Pages one after another in one frame. */
export interface StoredPages {
  readonly place: Placed;
  readonly pages: number;
}

export interface PagesDone {
  /** Sorted numbers of the pages that were stored; undefined when it is the whole range. */
  readonly changed: Uint32Array | undefined;
  /** Where they are, in that order. */
  readonly stored: readonly StoredPages[];
  /** Whether what the pages are was written down. */
  readonly noted: boolean;
  /** Of each group of the range, see PageHashes: SUM_BYTES for each. */
  readonly sums: Uint8Array;
}

/** What a thread is asked. Every job says into which packs it stores, so that a thread serves one draft after another. */
export type Job =
  | { readonly kind: "files"; readonly store: FrameStoreOptions; readonly chunkKey: Uint8Array; readonly files: readonly FileJob[] }
  | { readonly kind: "pages"; readonly store: FrameStoreOptions; readonly pages: PagesJob }
  | { readonly kind: "digest"; readonly spans: readonly Span[] }
  | { readonly kind: "finish"; readonly store: FrameStoreOptions };

export type Done =
  | { readonly kind: "files"; readonly files: readonly FileDone[] }
  | { readonly kind: "pages"; readonly pages: PagesDone }
  | { readonly kind: "digest"; readonly sha256: string }
  | { readonly kind: "finish"; readonly packs: readonly FinishedPack[] };
