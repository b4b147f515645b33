import { CHUNKS_PER_BLOCK, writeChunks } from "./chunk-blocks.ts";
import { encodeIndex } from "./index-block.ts";
import { keepObject, nameAgain, type Keeping, type ReferenceIndex } from "./reference-index.ts";
import { hashOf, type Reference } from "./reference.ts";
import type { TreeRoot } from "./roots.ts";
import { encodeRun } from "./run-codec.ts";
import { runSplitter } from "./run-splitter.ts";
import { isSameFacts } from "./same-facts.ts";
import { drawOf, Splitter } from "./splitter.ts";
import type { ReadRun } from "./tree-reader.ts";
import type { EntryFacts, StoredContent, StoredEntry, TreeContent } from "./tree-entry.ts";

/** Above this many runs their references get blocks of their own, so that a backup does not write all of them anew. */
const RUNS_WITHOUT_INDEX = 2000;
const INDEX_LENGTHS = { least: 128, usual: 256, most: 512 } as const;
/** An entry that may have more references than this ends its run: a run fits into a frame, however large its files are. */
const MANY_REFERENCES = 256;
/** The map of a smaller database has fewer, whatever its pages are. Bytes. */
const LARGE_DATABASE: number = 1024 ** 3;
/** So much of new runs is put at once: it fills a frame, and a first backup of millions of files does not keep its tree in memory. Bytes. */
const PUT_BYTES: number = 1024 * 1024;

/** Content that can be told when everything is stored is asked for when its run is written. */
export type WrittenContent = TreeContent | (() => TreeContent);
interface WrittenEntry {
  readonly entry: EntryFacts;
  readonly content: WrittenContent;
}

/** A run in one of its states: named, encoded and not yet put, or with contents that are not known yet. */
type Part = Reference | EncodedRun | readonly WrittenEntry[];
interface EncodedRun {
  readonly bytes: Uint8Array;
  readonly hash: string;
  readonly entries: number;
}

interface TreeWriterOptions extends Keeping {
  /** 32 bytes, the same for every backup of a vault. */
  readonly boundaryKey: Uint8Array;
  /** What the tree of the backup before refers to (`treeReferences`). */
  readonly previous?: ReferenceIndex;
  /** The run of that tree that begins with a path, where it was read of late. */
  readonly runFrom?: (path: string) => ReadRun | undefined;
}

/**
 * Writes the tree of one component from its entries in stored order, while they come. What is as it was in the previous tree is
 * referred to and not written: an unchanged tree puts nothing. New runs are put many at a time, so that they lie together.
 */
export class TreeWriter {
  readonly #options: TreeWriterOptions;
  readonly #splitter: Splitter<string>;
  readonly #parts: Part[] = [];
  /** Of the encoded runs that are not put yet. */
  #waiting = 0;
  #run: WrittenEntry[] = [];
  /** What the run under work has been so far. */
  #before: ReadRun | undefined;

  constructor(options: TreeWriterOptions) {
    this.#options = options;
    this.#splitter = runSplitter(options.boundaryKey);
  }

  add({ entry, content }: WrittenEntry): void {
    // Within a run of the previous tree the paths said that none begins; asking each again is a hash for each.
    if (isAt(this.#before, this.#run.length, entry, content)) this.#splitter.goesOn();
    else {
      if (this.#splitter.begins(entry.path)) this.#endRun();
      const before = this.#run.length === 0 ? this.#options.runFrom?.(entry.path) : undefined;
      this.#before = isAt(before, 0, entry, content) ? before : undefined;
    }
    this.#run.push({ entry, content });
    if (mayHaveManyReferences(entry, content)) this.#splitter.end();
  }

  /**
   * Adds all entries of a run of the previous tree, none of which has more references than a few. Others may follow that belong to the same run.
   *
   * @returns false, and nothing is added, when none begins here with the first of them
   */
  keep(run: ReadRun): boolean {
    const [first] = run.entries;
    if (first === undefined || !this.#splitter.beginsWith(first.entry.path, run.entries.length)) return false;
    this.#endRun();
    this.#before = run;
    this.#run = [...run.entries];
    return true;
  }

  /** Puts every run that is complete. */
  settle(): void {
    for (const [index, part] of this.#parts.entries()) this.#parts[index] = this.#put(part);
    this.#waiting = 0;
  }

  /** The tree of what was added, and of what else is given in a run of its own. Adding goes on as if it had not been asked for. */
  soFar(also: readonly WrittenEntry[]): TreeRoot {
    this.settle();
    const rest = [this.#run, also].filter((run) => run.length > 0);
    return this.#rootOf([...(this.#parts as Reference[]), ...rest.map((run) => this.#put(run))]);
  }

  finish(): TreeRoot {
    this.#endRun();
    this.settle();
    return this.#rootOf(this.#parts as Reference[]);
  }

  #rootOf(runs: readonly Reference[]): TreeRoot {
    if (runs.length <= RUNS_WITHOUT_INDEX) return { level: 0, references: runs };
    const splitter = new Splitter<Reference>(INDEX_LENGTHS, ({ hash }) => drawOf(hash));
    const starts = [...runs.keys()].filter((number) => splitter.begins(runs[number] as Reference));
    const blocks = starts.map((start, number) => runs.slice(start, starts[number + 1]));
    return { level: 1, references: blocks.map((block) => this.#keep(encodeIndex(block), entriesOf(block))) };
  }

  #endRun(): void {
    const run = this.#run;
    if (run.length === 0) return;
    this.#run = [];
    this.#parts.push(this.#asBefore(run) ?? this.#encoded(run) ?? run);
    if (this.#waiting >= PUT_BYTES) this.#putEncoded();
  }

  /** A run of the very entries of an earlier one has its bytes: they need not be made to find that out. */
  #asBefore(run: readonly WrittenEntry[]): Reference | undefined {
    const before = this.#before;
    return before?.entries.length === run.length ? nameAgain(before.reference, this.#options) : undefined;
  }

  #encoded(run: readonly WrittenEntry[]): Reference | EncodedRun | undefined {
    if (!isKnown(run)) return undefined;
    const bytes = encodeRun(run);
    const hash = hashOf(bytes);
    const known = this.#options.previous?.find(hash, bytes.length);
    const named = known?.entries === run.length ? nameAgain(known, this.#options) : undefined;
    if (named !== undefined) return named;
    this.#waiting += bytes.length;
    return { bytes, hash, entries: run.length };
  }

  #putEncoded(): void {
    for (const [index, part] of this.#parts.entries()) if ("bytes" in part) this.#parts[index] = this.#put(part);
    this.#waiting = 0;
  }

  #put(part: Part): Reference {
    if ("place" in part) return part;
    if ("bytes" in part) return { place: this.#options.store.put(part.bytes), hash: part.hash, entries: part.entries };
    const run = part.map(({ entry, content }) => ({ entry, content: this.#store(typeof content === "function" ? content() : content) }));
    return this.#keep(encodeRun(run), run.length);
  }

  #keep(object: Uint8Array, entries: number): Reference {
    return keepObject(object, entries, this.#options.previous, this.#options);
  }

  #store(content: TreeContent): StoredContent {
    if (content.kind !== "chunks") return content;
    return { kind: "chunks", blocks: writeChunks(content.chunks, content.blocks ?? [], this.#options) };
  }
}

function isAt(run: ReadRun | undefined, index: number, entry: EntryFacts, content: WrittenContent): boolean {
  const there = run?.entries[index];
  if (there === undefined || typeof content === "function" || !isSameFacts(entry, there.entry)) return false;
  return (content.kind === "place" && content === there.content) || (content.kind === "none" && there.content.kind === "none");
}

function isKnown(run: readonly (StoredEntry | WrittenEntry)[]): run is readonly StoredEntry[] {
  return run.every(({ content }) => typeof content !== "function" && (content.kind === "place" || content.kind === "none"));
}

/** By what is known of an entry before its content is written: runs end at the same entries whatever is stored anew. */
function mayHaveManyReferences(entry: EntryFacts, content: WrittenContent): boolean {
  if (entry.database === true && entry.size > LARGE_DATABASE) return true;
  return typeof content !== "function" && content.kind === "chunks" && content.chunks.length > MANY_REFERENCES * CHUNKS_PER_BLOCK;
}

function entriesOf(references: readonly Reference[]): number {
  return references.reduce((sum, { entries }) => sum + entries, 0);
}
