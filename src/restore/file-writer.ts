import { closeSync } from "node:fs";
import { DamageError, entryPoint, WorkerPool } from "../kernel/index.ts";
import type { OpenedEntry } from "../vault/index.ts";
import { factsOf, finishFile, openNew, type FileJob } from "./write-file.ts";
import type { WriteDone, WriteJob } from "./write-worker.ts";

/** Of one buffer that goes to a thread; a larger file goes in pieces of it. Bytes. */
const BUFFER = 1024 * 1024;
/** Buffers in use: one that is filled, one for each thread, and one waiting for each. */
const BUFFERS = 5;
/** Small files in one buffer. */
const FILES = 512;

/**
 * Writes contents in threads, while this one reads and hashes what comes next. Most of the time of a restore is the
 * kernel making files, and this way two cores make them.
 */
export class FileWriter implements AsyncDisposable {
  readonly #owners: boolean;
  readonly #pool: WorkerPool<WriteJob, WriteDone> = WorkerPool.of(entryPoint(import.meta.url, "./write-worker"));
  readonly #free: Uint8Array<ArrayBuffer>[] = [];
  readonly #running = new Set<Promise<void>>();
  readonly #open = new Set<number>();
  #made = 0;
  #buffer: Uint8Array<ArrayBuffer> | undefined;
  #used = 0;
  #files: FileJob[] = [];
  #failure: { readonly error: unknown } | undefined;

  constructor(owners: boolean) {
    this.#owners = owners;
  }

  /** Takes the content whole before it returns; the file is there when finish() has returned. */
  async write(path: string, { entry, content }: OpenedEntry): Promise<void> {
    // An empty file in the place of a full one would pass for it.
    if (content === undefined && entry.size > 0)
      throw new DamageError("BACKUP_DAMAGED", `The backup gives no content for "${entry.component}/${entry.path}"`);
    if (entry.size > BUFFER) await this.#writeLarge(path, { entry, content });
    else await this.#writeSmall(path, { entry, content });
  }

  async #writeSmall(path: string, { entry, content }: { entry: OpenedEntry["entry"]; content: OpenedEntry["content"] }): Promise<void> {
    if (this.#used + entry.size > BUFFER || this.#files.length === FILES) await this.#send();
    let buffer = (this.#buffer ??= await this.#take());
    const offset = this.#used;
    for await (const chunk of content ?? []) {
      if (this.#used + chunk.length > buffer.length) throw tooLong(entry.path);
      buffer.set(chunk, this.#used);
      this.#used += chunk.length;
      buffer = this.#buffer;
    }
    this.#files.push({ path, facts: factsOf(entry, this.#owners), offset, length: this.#used - offset });
  }

  async #writeLarge(path: string, { entry, content }: { entry: OpenedEntry["entry"]; content: OpenedEntry["content"] }): Promise<void> {
    const facts = factsOf(entry, this.#owners);
    const descriptor = openNew(path);
    this.#open.add(descriptor);
    const pieces: Promise<void>[] = [];
    let position = 0;
    let buffer: Uint8Array<ArrayBuffer> | undefined;
    let filled = 0;
    const send = (): void => {
      if (buffer === undefined) return;
      pieces.push(this.#run({ buffer, descriptor, length: filled, position, sparse: facts.sparse }));
      position += filled;
      buffer = undefined;
      filled = 0;
    };
    for await (const chunk of content ?? []) {
      // Of a database that has changed often, a chunk may be a page.
      for (let offset = 0; offset < chunk.length;) {
        buffer ??= await this.#take();
        const part = chunk.subarray(offset, offset + BUFFER - filled);
        buffer.set(part, filled);
        filled += part.length;
        offset += part.length;
        if (filled === BUFFER) send();
      }
    }
    send();
    await Promise.all(pieces);
    this.#rethrow();
    finishFile(descriptor, facts, position);
    this.#open.delete(descriptor);
    closeSync(descriptor);
  }

  async #send(): Promise<void> {
    const buffer = this.#buffer;
    if (buffer === undefined) return;
    void this.#run({ buffer, files: this.#files });
    this.#buffer = undefined;
    this.#files = [];
    this.#used = 0;
    this.#rethrow();
  }

  /** Never rejects: the first failure is thrown by whatever is called next. */
  #run(job: WriteJob): Promise<void> {
    const running = this.#pool
      .run(job, [job.buffer.buffer])
      .then(
        (buffer) => void this.#free.push(buffer),
        (error: unknown) => {
          this.#failure ??= { error };
          this.#made -= 1;
        },
      )
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
    return running;
  }

  async #take(): Promise<Uint8Array<ArrayBuffer>> {
    for (;;) {
      this.#rethrow();
      const free = this.#free.pop();
      if (free !== undefined) return free;
      if (this.#made < BUFFERS) {
        this.#made += 1;
        return new Uint8Array(BUFFER);
      }
      await Promise.race(this.#running);
    }
  }

  #rethrow(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** Everything that was given is written, or the first failure is thrown. */
  async finish(): Promise<void> {
    await this.#send();
    await Promise.all(this.#running);
    this.#rethrow();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#running);
    for (const descriptor of this.#open) closeSync(descriptor);
    this.#open.clear();
  }
}

function tooLong(path: string): DamageError {
  return new DamageError("BACKUP_DAMAGED", `The content of "${path}" is longer than recorded`);
}
