import type { BodyItem, BodyResult, ComponentOptions, ComponentWriter } from "../../local-vault/index.ts";
import type { ReadableContent } from "../../vault/index.ts";
import type { FileDone, FileJob, FileKept, KeptChunk } from "./jobs.ts";
import type { Before } from "./before.ts";
import { pageSizeOf, storeDatabase, type StoredDatabase } from "./store-database.ts";
import type { Threads } from "./threads.ts";
import type { Chunk } from "../tree/tree-entry.ts";
import type { Kept } from "./kept.ts";

/** One job of a thread: small files by the hundred, or a few large ones. */
const BATCH_FILES = 256;
const BATCH_BYTES = 8 * 1024 * 1024;

type Plan =
  /** A folder, a link, another name of a file. */
  | { readonly kind: "nothing" }
  | { readonly kind: "known"; readonly result: BodyResult<Kept> }
  | { readonly kind: "file"; readonly job: FileJob };

interface Batch {
  readonly items: { readonly item: BodyItem; readonly plan: Plan }[];
  readonly jobs: FileJob[];
  bytes: number;
  done: Promise<readonly FileDone[]> | undefined;
  database: Promise<StoredDatabase> | undefined;
}

/** Stores the entries of one component in the order in which they come, and several at once. */
export class RepositoryComponent implements ComponentWriter {
  readonly #options: ComponentOptions<Kept>;
  readonly #threads: Threads;
  readonly #before: Before;
  readonly #pageKey: Uint8Array;
  readonly #under: Batch[] = [];
  #batch: Batch = newBatch();

  constructor(options: ComponentOptions<Kept>, threads: Threads, before: Before, pageKey: Uint8Array) {
    this.#options = options;
    this.#threads = threads;
    this.#before = before;
    this.#pageKey = pageKey;
  }

  async add(item: BodyItem): Promise<void> {
    const { head, content } = item;
    const pageSize = head.database === true && content?.kind === "staged" ? pageSizeOf(content.spans) : undefined;
    if (pageSize !== undefined && content?.kind === "staged") {
      this.#send();
      const stored = storeDatabase(content.spans, pageSize, this.#before.database(head.path, pageSize), this.#threads, this.#pageKey);
      stored.catch(() => {});
      this.#under.push({ ...newBatch(), items: [{ item, plan: { kind: "nothing" } }], database: stored });
    } else this.#plan(item, content);
    while (this.#under.length > this.#threads.width) await this.#settleOldest();
  }

  #plan(item: BodyItem, content: ReadableContent | undefined): void {
    const { head } = item;
    const known = content === undefined && item.known !== true ? undefined : this.#before.unchanged(item);
    if (content === undefined && known === undefined) this.#batch.items.push({ item, plan: { kind: "nothing" } });
    else if (known !== undefined) this.#batch.items.push({ item, plan: { kind: "known", result: known } });
    else if (content !== undefined) {
      const job: FileJob = { content, before: this.#before.file(head.path) };
      this.#batch.items.push({ item, plan: { kind: "file", job } });
      this.#batch.jobs.push(job);
      this.#batch.bytes += head.size;
    }
    if (this.#batch.jobs.length >= BATCH_FILES || this.#batch.bytes >= BATCH_BYTES || this.#batch.items.length >= BATCH_FILES * 16)
      this.#send();
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
    let next = 0;
    for (const { item, plan } of batch.items) {
      if (database !== undefined) this.#settleDatabase(item, database);
      else if (plan.kind === "known") this.#give(plan.result);
      else if (plan.kind === "nothing") this.#settleOther(item);
      else this.#settleFile(item, plan.job, done[next++]);
    }
  }

  #settleDatabase(item: BodyItem, { end, hashes, writeMap }: StoredDatabase): void {
    const look = item.content?.kind === "staged" ? item.content.look : undefined;
    this.#before.noteDatabase(item.head.path, hashes, look);
    this.#give({
      item,
      stored: true,
      size: end.size,
      sha256: end.sha256,
      facts: undefined,
      change: undefined,
      kept: { kind: "pages", writeMap },
    });
  }

  #settleFile(item: BodyItem, job: FileJob, done: FileDone | undefined): void {
    if (done === undefined) throw new TypeError("a thread gave fewer answers than it had files");
    const { end, facts } = done;
    if (!end.stored) return this.#give({ item, stored: false, reason: end.reason });
    const kept = this.#keptOf(item, done.kept);
    if (end.change === undefined) this.#before.noteFile(item.head.path, job.content);
    this.#give({ item, stored: true, size: end.size, sha256: end.sha256, facts, change: end.change, kept });
  }

  #keptOf({ head: { path } }: BodyItem, kept: FileKept): Kept {
    if (kept.kind === "empty") return { kind: "none" };
    if (kept.kind === "same") return this.#before.content(path);
    if (kept.kind === "place") return { kind: "place", place: this.#threads.place(kept.place) };
    return { kind: "chunks", chunks: kept.chunks.map((chunk) => this.#chunk(path, chunk)), ...this.#before.blocks(path) };
  }

  #chunk(path: string, { length, hash, place }: KeptChunk): Chunk {
    if (typeof place !== "number") return { length, hash, place: this.#threads.place(place) };
    return this.#before.chunk(path, place, { length, hash });
  }

  #settleOther(item: BodyItem): void {
    const stored: BodyResult<Kept> = { item, stored: true, size: 0, sha256: undefined, facts: undefined, change: undefined };
    if (item.head.hard_link === undefined) return this.#give(stored);
    const link = this.#options.resolveLink(item);
    if (link === undefined) return this.#give({ item, stored: false, reason: "vanished" });
    if (!("content" in link)) return this.#give(stored);
    const { hard_link: _, ...own } = item.head;
    const job: FileJob = { content: link.content, before: undefined };
    this.#settleFile({ ...item, head: own }, job, this.#threads.filesHere([job])[0]);
  }

  #give(result: BodyResult<Kept>): void {
    this.#options.onResult(result);
    if (result.stored) this.#options.onBytes(result.size);
  }
}

function newBatch(): Batch {
  return { items: [], jobs: [], bytes: 0, done: undefined, database: undefined };
}
