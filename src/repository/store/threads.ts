import { entryPoint, InternalError, WorkerPool } from "../../kernel/index.ts";
import type { Locator } from "../pack/locator.ts";
import type { FinishedPack } from "../pack/pack-writer.ts";
import { JobDoer } from "./do-job.ts";
import { removeUnfinishedPacks, type FrameStore, type FrameStoreOptions } from "./frame-store.ts";
import type { Done, FileDone, FileJob, Job, PagesDone, PagesJob, Placed } from "./jobs.ts";
import type { Span } from "../../vault/index.ts";

/** What is not worth a thread, which may have a database before it that takes long: so few files and bytes are stored at once. */
const INLINE_FILES = 32;
const INLINE_BYTES = 1024 * 1024;

/**
 * Does the work of one draft: little of it here, much of it in two threads, of which this one is the second. Each writes
 * packs of its own.
 */
export class Threads {
  readonly #store: FrameStoreOptions;
  readonly #chunkKey: Uint8Array;
  readonly #pool: WorkerPool<Job, Done> = WorkerPool.of(entryPoint(import.meta.url, "./store-worker"), 1);
  readonly #here: JobDoer = new JobDoer("main", (frames) => frames);
  /** Where bytes went that a thread handed over: they may be asked for again. */
  readonly #handedOver: WeakMap<Uint8Array, Locator> = new WeakMap();
  #used = false;

  constructor(store: FrameStoreOptions, chunkKey: Uint8Array) {
    this.#store = store;
    this.#chunkKey = chunkKey;
  }

  /** Jobs that are asked for at a time. */
  get width(): number {
    return this.#pool.width;
  }

  /** The packs of this thread: metadata goes there. */
  get frames(): FrameStore {
    return this.#here.frames(this.#store);
  }

  /** Where bytes lie that a thread may have handed over. */
  place(placed: Placed): Locator {
    if (!(placed instanceof Uint8Array)) return placed;
    let place = this.#handedOver.get(placed);
    if (place === undefined) this.#handedOver.set(placed, (place = this.frames.add(placed)));
    return place;
  }

  /** So many bytes will be looked at soon. */
  expect(bytes: number): void {
    if (!this.isLittle(1, bytes)) this.#pool.warm();
  }

  isLittle(files: number, bytes: number): boolean {
    return files <= INLINE_FILES && bytes <= INLINE_BYTES;
  }

  filesHere(files: readonly FileJob[]): readonly FileDone[] {
    return mustBe("files", this.#here.do(this.#filesJob(files))).files;
  }

  async files(files: readonly FileJob[]): Promise<readonly FileDone[]> {
    return mustBe("files", await this.#run(this.#filesJob(files))).files;
  }

  async pages(pages: PagesJob): Promise<PagesDone> {
    const job: Job = { kind: "pages", store: this.#store, pages };
    const little = this.isLittle(1, (pages.to - pages.from) * pages.pageSize);
    return mustBe("pages", little ? this.#here.do(job) : await this.#run(job)).pages;
  }

  /** The same of a whole database, which is never here where signals would wait for it. */
  async wholePages(pages: PagesJob): Promise<PagesDone> {
    const job: Job = { kind: "pages", store: this.#store, pages };
    const little = this.isLittle(1, (pages.to - pages.from) * pages.pageSize);
    this.#used ||= !little;
    return mustBe("pages", little ? this.#here.do(job) : await this.#pool.runLong(job)).pages;
  }

  async digest(spans: readonly Span[], size: number): Promise<string> {
    const job: Job = { kind: "digest", spans };
    // Of a whole database: never here, where signals would wait for it.
    this.#used ||= !this.isLittle(1, size);
    return mustBe("digest", this.isLittle(1, size) ? this.#here.do(job) : await this.#pool.runLong(job)).sha256;
  }

  #filesJob(files: readonly FileJob[]): Job {
    return { kind: "files", store: this.#store, chunkKey: this.#chunkKey, files };
  }

  async #run(job: Job): Promise<Done> {
    this.#used = true;
    return await this.#pool.share(job, (here) => this.#here.do(here));
  }

  /** Every pack of the threads has its name; those of this thread go on. */
  async finishThreads(): Promise<readonly FinishedPack[]> {
    if (!this.#used) return [];
    const done = await this.#pool.runOnEach({ kind: "finish", store: this.#store });
    return done.flatMap((answer) => mustBe("finish", answer).packs);
  }

  /** Every pack that was finished is on the disk. */
  async flushed(): Promise<void> {
    await this.#here.flushed();
  }

  /** What waits for a thread fails. */
  interrupt(): void {
    void this.#pool.stop();
  }

  /** Removes packs that were not finished. */
  async dispose(): Promise<void> {
    await this.#pool.stop();
    this.#here.abort();
    removeUnfinishedPacks(this.#store.folder, `${this.#store.prefix}.`);
  }
}

function mustBe<K extends Done["kind"]>(kind: K, done: Done): Extract<Done, { kind: K }> {
  if (done.kind === kind) return done as Extract<Done, { kind: K }>;
  throw new InternalError(`A thread was asked for ${kind} and answered ${done.kind}`);
}
