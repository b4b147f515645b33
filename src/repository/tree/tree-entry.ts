import type { Entry } from "../../vault/index.ts";
import type { Locator } from "../pack/locator.ts";
import type { Reference } from "./reference.ts";

/** An entry as a tree records it: the component is known by the tree's name. */
export type EntryFacts = Omit<Entry, "component">;

/** A piece of a file's content; the pieces follow one another. */
export interface Chunk {
  /** Bytes; that of the place. */
  readonly length: number;
  /** The first 16 bytes of the SHA-256 of the chunk, lower-case hex. */
  readonly hash: string;
  readonly place: Locator;
}

/** Where the pages of a database are: see page-map.ts. */
export interface PageMapRef {
  /** Bytes: a power of two from 512 to 65,536. */
  readonly pageSize: number;
  readonly pages: number;
  readonly blocks: readonly Reference[];
  readonly layers: readonly Reference[];
}

interface NoContent {
  readonly kind: "none";
}

interface ContentInPlace {
  readonly kind: "place";
  /** Of the whole content: its length is the entry's size. */
  readonly place: Locator;
}

interface ContentInPages {
  readonly kind: "pages";
  readonly map: PageMapRef;
}

interface ContentInChunks {
  readonly kind: "chunks";
  readonly chunks: readonly Chunk[];
  /** Blocks that hold this list, or an earlier one of the same file: those that still fit are referred to, not written again. */
  readonly blocks?: readonly Reference[];
}

export type TreeContent = NoContent | ContentInPlace | ContentInChunks | ContentInPages;

export interface TreeEntry {
  readonly entry: EntryFacts;
  readonly content: TreeContent;
}

/** Content as a run has it: the chunks of a large file lie in blocks of their own. */
export type StoredContent =
  | NoContent
  | ContentInPlace
  | ContentInPages
  | { readonly kind: "chunks"; readonly blocks: readonly Reference[] };

export interface StoredEntry {
  readonly entry: EntryFacts;
  readonly content: StoredContent;
}
