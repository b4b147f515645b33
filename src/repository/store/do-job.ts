import { createHash } from "node:crypto";
import type { Span } from "../../vault/index.ts";
import { Chunker } from "../split/chunker.ts";
import { FrameStore, type FrameStoreOptions } from "./frame-store.ts";
import type { Done, Job } from "./jobs.ts";
import { SpanReader } from "./span-reader.ts";
import { FileStorer } from "./store-file.ts";
import { storePages } from "./store-pages.ts";

const PIECE = 1024 * 1024;

/** What one thread keeps from job to job: its packs, and its buffers. */
export class JobDoer {
  #frames: { readonly prefix: string; readonly store: FrameStore } | undefined;
  #storer: { readonly key: string; readonly storer: FileStorer } | undefined;
  readonly #suffix: string;

  /** @param suffix tells its packs from those of other threads */
  constructor(suffix: string) {
    this.#suffix = suffix;
  }

  do(job: Job): Done {
    switch (job.kind) {
      case "files": {
        const frames = this.frames(job.store);
        const storer = this.#storerOf(job.chunkKey);
        return { kind: "files", files: job.files.map((file) => storer.store(file, frames)) };
      }
      case "pages":
        return { kind: "pages", pages: storePages(job.pages, this.frames(job.store)) };
      case "digest":
        return { kind: "digest", sha256: digestOf(job.spans) };
      default:
        return { kind: "finish", packs: this.frames(job.store).finish() };
    }
  }

  /** The store of a draft. What was begun for another one, which was given up, goes. */
  frames(options: FrameStoreOptions): FrameStore {
    if (this.#frames?.prefix !== options.prefix) {
      this.#frames?.store.abort();
      const store = new FrameStore({ ...options, prefix: `${options.prefix}.${this.#suffix}` });
      this.#frames = { prefix: options.prefix, store };
    }
    return this.#frames.store;
  }

  abort(): void {
    this.#frames?.store.abort();
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
