import { existsSync, linkSync, mkdirSync, readdirSync, renameSync, rmdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { crashpoint, entryPoint, WorkerPool } from "../../kernel/index.ts";
import { ENTRIES_NAME, MANIFEST_NAME } from "../../vault/index.ts";
import type { Body, BodyItem, BodyResult, ComponentOptions, ComponentWriter } from "../../local-vault/index.ts";
import { storeFile, type FileDone, type FileJob } from "./store-file.ts";

/** Files that one message to a worker holds, at most, and bytes after which it is sent. */
const BATCH_FILES = 128;
const BATCH_BYTES = 8 * 1024 * 1024;
/** What is not worth a thread: so few files and bytes are copied at once. */
const INLINE_FILES = 32;
const INLINE_BYTES = 1024 * 1024;
const INLINE_BUFFER = 256 * 1024;

interface Batch {
  readonly items: { readonly item: BodyItem; readonly job: FileJob | undefined }[];
  readonly jobs: FileJob[];
  bytes: number;
  done: Promise<readonly FileDone[]> | undefined;
}

/** Files in a folder, as they lay: contents byte by byte, everything else about them in entries.jsonl. */
export class PlainBody implements Body {
  readonly #content: string;
  readonly #pool: WorkerPool<readonly FileJob[], readonly FileDone[]> = WorkerPool.of(entryPoint(import.meta.url, "./copy-worker"));
  #bytes = 0;

  /** @param content the folder that becomes the backup; does not exist yet */
  constructor(content: string) {
    this.#content = content;
    mkdirSync(content, { mode: 0o700 });
  }

  component(options: ComponentOptions): ComponentWriter {
    const before = this.#bytes;
    const writer = new PlainComponent(this.#content, this.#pool, {
      ...options,
      onResult: (result) => {
        if (result.stored) this.#bytes += result.size;
        options.onResult(result);
      },
    });
    return {
      add: (item) => writer.add(item),
      finish: () => writer.finish(),
      rollback: async () => {
        await writer.rollback();
        this.#bytes = before;
      },
    };
  }

  interrupt(): void {
    void this.#pool.stop();
  }

  finish(): Promise<number> {
    crashpoint("archive-body-written");
    return Promise.resolve(this.#bytes);
  }

  seal({ manifest, entriesFile }: { readonly manifest: Buffer; readonly entriesFile: string }): Promise<string> {
    renameSync(entriesFile, join(this.#content, ENTRIES_NAME));
    writeFileSync(join(this.#content, MANIFEST_NAME), manifest, { mode: 0o600, flag: "wx" });
    return Promise.resolve(this.#content);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool.stop();
  }
}

class PlainComponent implements ComponentWriter {
  readonly #content: string;
  readonly #pool: WorkerPool<readonly FileJob[], readonly FileDone[]>;
  readonly #options: ComponentOptions;
  readonly #under: Batch[] = [];
  readonly #folders: Set<string> = new Set();
  #batch: Batch = newBatch();
  #buffer: Buffer | undefined;

  constructor(content: string, pool: WorkerPool<readonly FileJob[], readonly FileDone[]>, options: ComponentOptions) {
    this.#content = content;
    this.#pool = pool;
    this.#options = options;
  }

  async add(item: BodyItem): Promise<void> {
    const { head, content } = item;
    const target = join(this.#content, item.place);
    this.#makeFolder(head.type === "directory" ? item.place : dirname(item.place));
    const job: FileJob | undefined = content === undefined ? undefined : { content, target, sparse: head.sparse === true };
    this.#batch.items.push({ item, job });
    if (job !== undefined) {
      this.#batch.jobs.push(job);
      this.#batch.bytes += head.size;
    }
    if (this.#batch.items.length >= BATCH_FILES * 2 || this.#batch.jobs.length >= BATCH_FILES || this.#batch.bytes >= BATCH_BYTES)
      this.#send();
    while (this.#under.length > this.#pool.size * 2) await this.#settleOldest();
  }

  async finish(): Promise<void> {
    this.#send();
    while (this.#under.length > 0) await this.#settleOldest();
  }

  async rollback(): Promise<void> {
    // What a thread still writes would come back after it was removed.
    await Promise.allSettled(this.#under.splice(0).flatMap(({ done }) => (done === undefined ? [] : [done])));
    this.#batch = newBatch();
    const { storedAs } = this.#options;
    rmSync(join(this.#content, storedAs), { recursive: true, force: true });
    for (
      let folder = dirname(storedAs);
      folder !== "." && existsSync(join(this.#content, folder)) && readdirSync(join(this.#content, folder)).length === 0;
      folder = dirname(folder)
    ) {
      rmdirSync(join(this.#content, folder));
    }
  }

  #makeFolder(place: string): void {
    if (place === "." || this.#folders.has(place)) return;
    mkdirSync(join(this.#content, place), { recursive: true, mode: 0o700 });
    this.#folders.add(place);
  }

  #send(): void {
    const batch = this.#batch;
    if (batch.items.length === 0) return;
    this.#batch = newBatch();
    const { jobs, bytes } = batch;
    if (this.#pool.started || jobs.length > INLINE_FILES || bytes > INLINE_BYTES) {
      batch.done = jobs.length === 0 ? Promise.resolve([]) : this.#pool.run(jobs);
      // Its failure is met when its turn comes.
      batch.done.catch(() => {});
    }
    this.#under.push(batch);
  }

  async #settleOldest(): Promise<void> {
    const [batch] = this.#under;
    if (batch === undefined) return;
    // Stays in the list until it has ended, so that a rollback waits for it.
    const done = batch.done === undefined ? batch.jobs.map((job) => this.#storeHere(job)) : await batch.done;
    this.#under.shift();
    let next = 0;
    for (const { item, job } of batch.items) {
      if (job === undefined) this.#options.onResult(this.#storeOther(item));
      else {
        const file = done[next++];
        if (file === undefined) throw new TypeError("a worker gave fewer answers than it had files");
        this.#options.onResult(resultOf(item, file));
        if (batch.done !== undefined && file.end.stored) this.#options.onBytes(file.end.size);
      }
    }
  }

  #storeHere(job: FileJob): FileDone {
    this.#buffer ??= Buffer.allocUnsafeSlow(INLINE_BUFFER);
    return storeFile(job, this.#buffer, this.#options.onBytes);
  }

  /** What has no bytes of its own. Links come last of their turn, so that nothing is ever written through one. */
  #storeOther(item: BodyItem): BodyResult {
    const { head } = item;
    const target = join(this.#content, item.place);
    const stored: BodyResult = { item, stored: true, size: 0, proof: undefined, facts: undefined, change: undefined };
    if (head.type === "symlink") symlinkSync(head.target ?? "", target);
    if (head.hard_link === undefined) return stored;
    const link = this.#options.resolveLink(item);
    if (link === undefined) return { item, stored: false, reason: "vanished" };
    if ("content" in link) {
      const { hard_link: _, ...own } = head;
      return resultOf({ ...item, head: own }, this.#storeHere({ content: link.content, target, sparse: head.sparse === true }));
    }
    linkSync(join(this.#content, link.firstPlace), target);
    return stored;
  }
}

function newBatch(): Batch {
  return { items: [], jobs: [], bytes: 0, done: undefined };
}

function resultOf(item: BodyItem, { end, facts }: FileDone): BodyResult {
  if (!end.stored) return { item, stored: false, reason: end.reason };
  return { item, stored: true, size: end.size, proof: { sha256: end.sha256 }, facts, change: end.change };
}
