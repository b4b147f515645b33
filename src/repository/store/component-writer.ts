import { DamageError, InternalError } from "../../kernel/index.ts";
import type { BodyItem, BodyResult, ComponentOptions, ComponentWriter } from "../../local-vault/index.ts";
import { quotePath, type ReadableContent, type UntouchedEntries } from "../../vault/index.ts";
import type { FileDone, FileJob, FileKept, KeptChunk } from "./jobs.ts";
import type { Before } from "./before.ts";
import { chunksIn, type FileContent, type KnownFile } from "./known-file.ts";
import { pageSizeOf, storeDatabase, type DatabaseFront, type StoredDatabase } from "./store-database.ts";
import type { Threads } from "./threads.ts";
import type { Chunk } from "../tree/tree-entry.ts";
import type { Kept, KeptEntries, StoredEntry } from "./kept.ts";

/** One job of a thread: small files by the hundred, or a few large ones. */
const BATCH_FILES = 256;
const BATCH_BYTES = 8 * 1024 * 1024;
/** Of a batch: what waits for long is moved by the collector again and again. */
const MOST_ITEMS = 512;
/** Entries of it that nobody works on. */
const MOST_KEPT = 512;
/** Of what is not known yet. */
const NO_HASH: string = "0".repeat(64);

type Plan =
  /** A folder, a link, another name of a file. */
  | { readonly kind: "nothing" }
  | { readonly kind: "known"; readonly result: BodyResult<Kept> }
  | { readonly kind: "file"; readonly job: FileJob; readonly known: KnownFile | undefined };

interface Batch {
  readonly items: ({ readonly item: BodyItem; readonly plan: Plan } | KeptEntries)[];
  readonly jobs: FileJob[];
  /** Entries of those that nobody works on. */
  kept: number;
  bytes: number;
  done: Promise<readonly FileDone[]> | undefined;
  database: Promise<StoredDatabase> | undefined;
}

export interface WriterPlace {
  readonly threads: Threads;
  readonly before: Before;
  readonly pageKey: Uint8Array;
  /** Told how many bytes were stored anew, at moments when all that was stored can be named. */
  readonly noteStored: (bytes: number) => Promise<void>;
  /** Puts entries where they come, between those of which results are told. */
  readonly keepAsBefore: (kept: KeptEntries) => void;
}

/** Stores the entries of one component in the order in which they come, and several at once. */
export class RepositoryComponent implements ComponentWriter {
  readonly #options: ComponentOptions<Kept>;
  readonly #threads: Threads;
  readonly #before: Before;
  readonly #pageKey: Uint8Array;
  readonly #noteStored: WriterPlace["noteStored"];
  readonly #keepAsBefore: WriterPlace["keepAsBefore"];
  /** The database under work. */
  #partly: { readonly item: BodyItem; readonly front: () => DatabaseFront | undefined } | undefined;
  readonly #under: Batch[] = [];
  #batch: Batch = newBatch();

  constructor(options: ComponentOptions<Kept>, { threads, before, pageKey, noteStored, keepAsBefore }: WriterPlace) {
    this.#options = options;
    this.#threads = threads;
    this.#before = before;
    this.#pageKey = pageKey;
    this.#noteStored = noteStored;
    this.#keepAsBefore = keepAsBefore;
  }

  async add(item: BodyItem): Promise<void> {
    const { head, content } = item;
    const pageSize = head.database === true && content?.kind === "staged" ? pageSizeOf(content.spans) : undefined;
    if (pageSize !== undefined && content?.kind === "staged") {
      this.#send();
      const under = { item, plan: { kind: "nothing" as const } };
      const before = await this.#before.database(head.path, pageSize, this.#options.goOn);
      const stored = storeDatabase({
        spans: content.spans,
        pageSize,
        before,
        threads: this.#threads,
        byContent: item.proof !== undefined && item.proof.pages_sha256 === undefined,
        key: this.#pageKey,
        newFile: this.#before.next.newPageFile,
        onStored: async (bytes, front) => {
          this.#options.goOn();
          // Only of the next in order: what lies before another one is not in the tree yet.
          if (this.#under[0]?.items[0] === under) this.#partly = { item, front };
          await this.#noteStored(bytes);
        },
      });
      stored.catch(() => {});
      this.#under.push({ ...newBatch(), items: [under], database: stored });
    } else {
      if (item.proof?.pages_sha256 !== undefined) throw notByPage(item);
      this.#plan(item, content);
    }
    await this.#makeRoom();
  }

  #plan(item: BodyItem, content: ReadableContent | undefined): void {
    const { head } = item;
    if (item.known === true) this.#batch.items.push({ item, plan: { kind: "known", result: this.#before.known(item) } });
    else if (content === undefined) this.#batch.items.push({ item, plan: { kind: "nothing" } });
    else {
      const known = this.#before.file(head.path, item.movedFrom);
      const job: FileJob = { content, before: known?.before };
      this.#batch.items.push({ item, plan: { kind: "file", job, known } });
      this.#batch.jobs.push(job);
      this.#batch.bytes += head.size;
    }
    if (this.#batch.jobs.length >= BATCH_FILES || this.#batch.bytes >= BATCH_BYTES || this.#batch.items.length >= MOST_ITEMS) this.#send();
  }

  async keep(entries: UntouchedEntries["entries"], from: number, goesOn: boolean): Promise<{ kept: number; isFront: boolean }> {
    let next = from;
    for (;;) {
      const kept = this.#before.untouched(entries, next, goesOn);
      if (kept === undefined || kept === "front") return { kept: next - from, isFront: kept === "front" };
      next += kept.entries.length;
      if (this.#batch.items.length === 0 && this.#under.length === 0) this.#keep(kept);
      else {
        this.#batch.items.push(kept);
        this.#batch.kept += kept.entries.length;
        if (this.#batch.kept < MOST_KEPT && this.#batch.items.length < MOST_ITEMS) continue;
        this.#send();
        // oxlint-disable-next-line no-await-in-loop -- in order
        await this.#makeRoom();
      }
    }
  }

  #keep(kept: KeptEntries): void {
    this.#keepAsBefore(kept);
    this.#options.onKept(
      kept.entries.length,
      kept.entries.reduce((sum, { entry }) => sum + entry.size, 0),
    );
  }

  async #makeRoom(): Promise<void> {
    while (this.#under.length > this.#threads.width || isNoWork(this.#under[0])) await this.#settleOldest();
  }

  async finish(): Promise<void> {
    this.#send();
    while (this.#under.length > 0) await this.#settleOldest();
  }

  /** What was stored lies in packs that nothing names, unless something else of them is named. */
  async rollback(): Promise<void> {
    for (const { done, database } of this.#under.splice(0)) await Promise.allSettled([Promise.resolve(done), Promise.resolve(database)]);
    this.#batch = newBatch();
  }

  #send(): void {
    const batch = this.#batch;
    if (batch.items.length === 0) return;
    this.#batch = newBatch();
    if (batch.jobs.length > 0 && !this.#threads.isLittle(batch.jobs.length, batch.bytes)) {
      batch.done = this.#threads.files(batch.jobs);
      // Its failure is met when its turn comes.
      batch.done.catch(() => {});
    }
    this.#under.push(batch);
  }

  async #settleOldest(): Promise<void> {
    const [batch] = this.#under;
    if (batch === undefined) return;
    // Stays in the list until it has ended, so that a rollback waits for it.
    const database = await batch.database;
    const done = batch.done === undefined ? this.#threads.filesHere(batch.jobs) : await batch.done;
    this.#under.shift();
    this.#partly = undefined;
    let [next, bytes] = [0, 0];
    for (const one of batch.items) {
      if ("entries" in one) {
        this.#keep(one);
        continue;
      }
      const { item, plan } = one;
      if (database !== undefined) this.#settleDatabase(item, database);
      else if (plan.kind === "known") this.#give(plan.result);
      else if (plan.kind === "nothing") this.#settleOther(item);
      else {
        const file = done[next++];
        if (file?.kept.kind === "place" || file?.kept.kind === "chunks") bytes += item.head.size;
        this.#settleFile(item, file, plan.known);
      }
    }
    if (bytes > 0) await this.#noteStored(bytes);
  }

  /** The front of a database that is being stored, as an entry of a tree that nobody restores. */
  partly(): StoredEntry | undefined {
    const { item, front } = this.#partly ?? {};
    const stored = front?.();
    if (item === undefined || stored === undefined) return undefined;
    return { entry: { ...item.head, size: stored.size, pages_sha256: NO_HASH }, kept: { kind: "pages", writeMap: stored.writeMap } };
  }

  #settleDatabase(item: BodyItem, { size, proof, file, writeMap }: StoredDatabase): void {
    const look = item.content?.kind === "staged" ? item.content.look : undefined;
    this.#before.next.noteDatabase(item.head.path, file, look);
    this.#give({
      item,
      stored: true,
      size,
      proof,
      facts: undefined,
      change: undefined,
      kept: { kind: "pages", writeMap },
    });
  }

  #settleFile(item: BodyItem, done: FileDone | undefined, known: KnownFile | undefined): void {
    if (done === undefined) throw new TypeError("a thread gave fewer answers than it had files");
    const { end, facts } = done;
    if (!end.stored) return this.#give({ item, stored: false, reason: end.reason });
    const kept = this.#keptOf(done.kept, known);
    this.#give({ item, stored: true, size: end.size, proof: { sha256: end.sha256 }, facts, change: end.change, kept });
  }

  #keptOf(kept: FileKept, known: KnownFile | undefined): Kept {
    if (kept.kind === "empty") return { kind: "none" };
    if (kept.kind === "place") return { kind: "place", place: this.#threads.place(kept.place) };
    if (kept.kind === "chunks") return this.#chunksOf(kept.chunks, known?.contents ?? []);
    const content = known?.contents[kept.index];
    if (content === undefined) throw new InternalError("A file is said to be as it was in the backup before, and was not in it");
    return content;
  }

  /** Blocks of the list of chunks may be named again. */
  #chunksOf(chunks: readonly KeptChunk[], before: readonly FileContent[]): Kept {
    const known = chunksIn(before);
    const blocks = before.flatMap((content) => (content.kind === "chunks" ? (content.blocks ?? []) : []));
    return { kind: "chunks", chunks: chunks.map((chunk) => this.#chunk(chunk, known)), ...(blocks.length === 0 ? {} : { blocks }) };
  }

  #chunk({ length, hash, place }: KeptChunk, known: readonly Chunk[]): Chunk {
    if (typeof place !== "number") return { length, hash, place: this.#threads.place(place) };
    const chunk = known[place];
    if (chunk?.length !== length || chunk.hash !== hash)
      throw new InternalError("A chunk is said to be one of the backup before, and is none");
    return chunk;
  }

  #settleOther(item: BodyItem): void {
    const stored: BodyResult<Kept> = { item, stored: true, size: 0, proof: undefined, facts: undefined, change: undefined };
    if (item.head.hard_link === undefined) return this.#give(stored);
    const link = this.#options.resolveLink(item);
    if (link === undefined) return this.#give({ item, stored: false, reason: "vanished" });
    if (!("content" in link)) return this.#give(stored);
    const { hard_link: _, ...own } = item.head;
    const job: FileJob = { content: link.content, before: undefined };
    this.#settleFile({ ...item, head: own }, this.#threads.filesHere([job])[0], undefined);
  }

  #give(result: BodyResult<Kept>): void {
    this.#options.onResult(result);
    if (result.stored) this.#options.onBytes(result.size);
  }
}

/** Of an archive that came from elsewhere: this form proves nothing else by its pages, and an archive has another hash beside it. */
function notByPage({ place }: BodyItem): DamageError {
  return new DamageError("BACKUP_DAMAGED", `${quotePath(place)} is recorded as a database in pages, and is none`, {
    hint: "A vault in archive form can take it",
  });
}

/** Behind one that somebody works on, untouched entries wait for their turn; behind none they would wait for nothing, and for ever. */
function isNoWork(batch: Batch | undefined): boolean {
  return batch !== undefined && batch.jobs.length === 0 && batch.database === undefined;
}

function newBatch(): Batch {
  return { items: [], jobs: [], kept: 0, bytes: 0, done: undefined, database: undefined };
}
