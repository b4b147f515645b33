import { createHash } from "node:crypto";
import type { Span } from "../../vault/index.ts";
import { Chunker } from "../split/chunker.ts";
import type { ContentSink } from "./content-sink.ts";
import { FrameStore, type FrameStoreOptions } from "./frame-store.ts";
import type { Done, Job } from "./jobs.ts";
import { SpanReader } from "./span-reader.ts";
import { FileStorer } from "./store-file.ts";
import { storePages } from "./store-pages.ts";

const PIECE = 1024 * 1024;

interface DraftPacks {
  readonly prefix: string;
  readonly frames: FrameStore;
  readonly sink: ContentSink;
}

/** What one thread keeps from job to job: its packs, and its buffers. */
export class JobDoer {
  #draft: DraftPacks | undefined;
  #storer: { readonly key: string; readonly storer: FileStorer } | undefined;
  readonly #suffix: string;
  readonly #sinkOf: (frames: FrameStore) => ContentSink;

  /** @param suffix tells its packs from those of other threads */
  constructor(suffix: string, sinkOf: (frames: FrameStore) => ContentSink) {
    this.#suffix = suffix;
    this.#sinkOf = sinkOf;
  }

  do(job: Job): Done {
    switch (job.kind) {
      case "files": {
        const { sink } = this.#of(job.store);
        const storer = this.#storerOf(job.chunkKey);
        return { kind: "files", files: job.files.map((file) => storer.store(file, sink)) };
      }
      case "pages":
        return { kind: "pages", pages: storePages(job.pages, this.#of(job.store).sink) };
      case "digest":
        return { kind: "digest", sha256: digestOf(job.spans) };
      default:
        return { kind: "finish", packs: this.frames(job.store).finish() };
    }
  }

  frames(options: FrameStoreOptions): FrameStore {
    return this.#of(options).frames;
  }

  /** Packs that were closed are on the disk. */
  async flushed(): Promise<void> {
    await this.#draft?.frames.flushed();
  }

  abort(): void {
    this.#draft?.frames.abort();
  }

  /** What was begun for another draft, which was given up, goes. */
  #of(options: FrameStoreOptions): DraftPacks {
    if (this.#draft?.prefix === options.prefix) return this.#draft;
    this.abort();
    const frames = new FrameStore({ ...options, prefix: `${options.prefix}.${this.#suffix}` });
    this.#draft = { prefix: options.prefix, frames, sink: this.#sinkOf(frames) };
    return this.#draft;
  }

  #storerOf(key: Uint8Array): FileStorer {
    const name = Buffer.from(key).toString("hex");
    if (this.#storer?.key !== name) this.#storer = { key: name, storer: new FileStorer(new Chunker(key)) };
    return this.#storer.storer;
  }
}

function digestOf(spans: readonly Span[]): string {
  using reader = new SpanReader(spans);
  const hash = createHash("sha256");
  const buffer = Buffer.allocUnsafe(PIECE);
  for (let position = 0; position < reader.size;) {
    const read = reader.read(buffer, Math.min(PIECE, reader.size - position), position);
    hash.update(buffer.subarray(0, read));
    position += read;
  }
  return hash.digest("hex");
}
