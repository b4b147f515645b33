import type { ContentEnd, ContentProof, Entry, EntryHead, LiveFacts, ReadableContent, UntouchedEntries } from "../../vault/index.ts";

/** A reading's entry on its way into a backup. */
export interface BodyItem {
  readonly head: EntryHead;
  readonly place: string;
  readonly content: ReadableContent | undefined;
  /** See ReadingEntry. */
  readonly movedFrom?: string | undefined;
  /** It has not been touched since the backup before: what was stored then is what it is. */
  readonly known?: boolean;
  /** See ReadingEntry. */
  readonly proof?: ContentProof | undefined;
}

/** What became of it: stored with these facts, or not stored. `kept` is what the form wants to know of it again. */
export type BodyResult<K = undefined> =
  | {
      readonly item: BodyItem;
      readonly stored: true;
      readonly size: number;
      /** Of a file. */
      readonly proof: ContentProof | undefined;
      readonly facts: LiveFacts | undefined;
      readonly change: (ContentEnd & { stored: true })["change"];
      readonly kept?: K;
    }
  | { readonly item: BodyItem; readonly stored: false; readonly reason: (ContentEnd & { stored: false })["reason"] };

/** What is asked when a hard link comes: its first name's place, or its own bytes when the first name was not stored. */
export type ResolveLink = (item: BodyItem) => { readonly firstPlace: string } | { readonly content: ReadableContent } | undefined;

export interface ComponentWriter {
  /** Takes items in order; resolves when it can take the next. */
  add(item: BodyItem): Promise<void>;
  /**
   * Takes, in the same order, entries that are as they were in the backup that is compared with: from one of them on, as many as can be kept as
   * they were stored then, and puts them into the list by itself. Resolves to how many these are. The next one must be added, unless those that are left
   * are a front: then they are given once more, with what follows.
   *
   * @param goesOn whether more may follow
   */
  keep?(entries: UntouchedEntries["entries"], from: number, goesOn: boolean): Promise<{ readonly kept: number; readonly isFront: boolean }>;
  /** Resolves when everything is stored and every result was given. */
  finish(): Promise<void>;
  /** Takes away everything of this component. */
  rollback(): Promise<void>;
}

export interface ComponentOptions<K = undefined> {
  readonly component: string;
  readonly storedAs: string;
  readonly resolveLink: ResolveLink;
  /** Called once per item, in order. */
  readonly onResult: (result: BodyResult<K>) => void;
  /** Called in the order of all for entries that were kept, and are in the list already. Bytes of their contents together. */
  readonly onKept: (count: number, bytes: number) => void;
  readonly onBytes: (bytes: number) => void;
  /** Called between the parts of what takes long. May throw: it is not to be gone on with. */
  readonly goOn: () => void;
}

/** The contents of a backup while it is built. */
export interface Body<K = undefined> extends AsyncDisposable {
  component(options: ComponentOptions<K>): ComponentWriter;
  /** Gives up long work under way; what waits for it fails. */
  interrupt(): void;
}

/** The entries of a backup while it is built; taken back to a mark when a component fails. */
export interface EntryList<K, M> {
  add(component: string, entry: Omit<Entry, "component">, kept: K | undefined): void;
  mark(): M;
  rewind(mark: M): void;
}
