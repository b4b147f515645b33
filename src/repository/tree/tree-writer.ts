import { writeChunks } from "./chunk-blocks.ts";
import { encodeIndex } from "./index-block.ts";
import { keepObject, type Keeping, type ReferenceIndex } from "./reference-index.ts";
import type { Reference } from "./reference.ts";
import type { TreeRoot } from "./roots.ts";
import { encodeRun } from "./run-codec.ts";
import { runSplitter } from "./run-splitter.ts";
import { drawOf, Splitter } from "./splitter.ts";
import type { ReadRun } from "./tree-reader.ts";
import type { EntryFacts, StoredContent, StoredEntry, TreeContent, TreeEntry } from "./tree-entry.ts";

/** Above this many runs their references get blocks of their own, so that a backup does not write all of them anew. */
const RUNS_WITHOUT_INDEX = 2000;
const INDEX_LENGTHS = { least: 128, usual: 256, most: 512 } as const;
/** An entry with more references than this ends its run: a run fits into a frame, however large its files are. */
const MANY_REFERENCES = 256;

interface TreeWriterOptions extends Keeping {
  /** 32 bytes, the same for every backup of a vault. */
  readonly boundaryKey: Uint8Array;
  /** What the tree of the backup before refers to (`treeReferences`). */
  readonly previous?: ReferenceIndex;
  /** The run of that tree that begins with an entry, where that very object was read from it. */
  readonly runOf?: (first: EntryFacts) => ReadRun | undefined;
}

/**
 * Writes the tree of one component from its entries in stored order. What is as it was in the previous tree is referred
 * to and not written: an unchanged tree puts nothing.
 */
export class TreeWriter {
  readonly #options: TreeWriterOptions;
  readonly #splitter: Splitter<string>;
  readonly #runs: Reference[] = [];
  #run: StoredEntry[] = [];
  /** What the run under work has been so far. */
  #before: ReadRun | undefined;

  constructor(options: TreeWriterOptions) {
    this.#options = options;
    this.#splitter = runSplitter(options.boundaryKey);
  }

  add({ entry, content }: TreeEntry): void {
    // Within a run of the previous tree the paths said that none begins; asking each again is a hash for each.
    if (isAt(this.#before, this.#run.length, entry, content)) this.#splitter.goesOn();
    else {
      if (this.#splitter.begins(entry.path)) this.#endRun();
      const before = this.#run.length === 0 ? this.#options.runOf?.(entry) : undefined;
      this.#before = isAt(before, 0, entry, content) ? before : undefined;
    }
    const stored = this.#store(content);
    this.#run.push({ entry, content: stored });
    if (referencesIn(stored) > MANY_REFERENCES) this.#splitter.end();
  }

  finish(): TreeRoot {
    this.#endRun();
    if (this.#runs.length <= RUNS_WITHOUT_INDEX) return { level: 0, references: this.#runs };
    const splitter = new Splitter<Reference>(INDEX_LENGTHS, ({ hash }) => drawOf(hash));
    const starts = [...this.#runs.keys()].filter((number) => splitter.begins(this.#runs[number] as Reference));
    const blocks = starts.map((start, number) => this.#runs.slice(start, starts[number + 1]));
    return { level: 1, references: blocks.map((block) => this.#keep(encodeIndex(block), entriesOf(block))) };
  }

  #endRun(): void {
    if (this.#run.length > 0) this.#runs.push(this.#asBefore() ?? this.#keep(encodeRun(this.#run), this.#run.length));
    this.#run = [];
  }

  /** A run of the very entries of an earlier one has its bytes: they need not be made to find that out. */
  #asBefore(): Reference | undefined {
    const before = this.#before;
    const same = before !== undefined && before.entries.length === this.#run.length && this.#options.reuse?.(before.reference) !== false;
    return same ? before.reference : undefined;
  }

  #keep(object: Uint8Array, entries: number): Reference {
    return keepObject(object, entries, this.#options.previous, this.#options);
  }

  #store(content: TreeContent): StoredContent {
    if (content.kind !== "chunks") return content;
    return { kind: "chunks", blocks: writeChunks(content.chunks, content.blocks ?? [], this.#options) };
  }
}

function isAt(run: ReadRun | undefined, index: number, entry: EntryFacts, content: TreeContent): boolean {
  const there = run?.entries[index];
  return there?.entry === entry && there.content === content && (content.kind === "place" || content.kind === "none");
}

function referencesIn(content: StoredContent): number {
  if (content.kind === "chunks") return content.blocks.length;
  return content.kind === "pages" ? content.map.blocks.length + content.map.layers.length : 0;
}

function entriesOf(references: readonly Reference[]): number {
  return references.reduce((sum, { entries }) => sum + entries, 0);
}
