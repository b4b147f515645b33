import type { ContentEnd } from "../../vault/index.ts";
import { LONGEST_CHUNK, SHORTEST_CHUNK, type Chunker } from "../split/chunker.ts";
import { splitContent } from "../split/follow-previous.ts";
import type { FileDone, FileJob, FileKept, KeptChunk } from "./jobs.ts";
import type { ContentSink } from "./content-sink.ts";
import { PulledContent, ReadAnew } from "./pulled-content.ts";

/** What is read in one piece and becomes one stretch of a frame. */
const SMALL = SHORTEST_CHUNK;
/** Four of the longest chunk: what is moved within it does not matter. */
const SPLIT_BUFFER = 4 * 1024 * 1024;
/** One read of a large file. */
const PIECE = 1024 * 1024;

/** Stores files one after another, in one thread; its buffers are used again and again. */
export class FileStorer {
  readonly #chunker: Chunker;
  readonly #small: Buffer = Buffer.allocUnsafeSlow(SMALL);
  readonly #taken: Buffer = Buffer.allocUnsafeSlow(SMALL);
  #split: Buffer | undefined;
  #piece: Buffer | undefined;

  constructor(chunker: Chunker) {
    this.#chunker = chunker;
  }

  store(job: FileJob, frames: ContentSink): FileDone {
    const grown = grownFrom(job);
    // Of a log that was not merely appended to, what was stored lies in a frame that nothing names.
    return (grown === undefined ? undefined : this.#store(job, frames, grown)) ?? (this.#store(job, frames, undefined) as FileDone);
  }

  /**
   * A file that is read anew while it is stored leaves what was stored of it before in a frame that nothing names.
   *
   * @returns undefined when it is not what it was with more behind it
   */
  #store(job: FileJob, frames: ContentSink, grown: Grown | undefined): FileDone | undefined {
    const large = job.content.kind === "live" ? job.content.span.length > SMALL : true;
    const buffer = large ? (this.#piece ??= Buffer.allocUnsafeSlow(PIECE)) : this.#small;
    // One for all attempts: it knows when a file that never holds still has been read often enough.
    using content = new PulledContent(job.content, buffer, grown?.size);
    const begun = content.begin();
    if (typeof begun !== "number") return { end: begun, facts: undefined, kept: { kind: "empty" } };
    for (;;) {
      try {
        return this.#storeOnce(content, job, frames, grown);
      } catch (error) {
        if (!(error instanceof ReadAnew)) throw error;
      }
    }
  }

  #storeOnce(content: PulledContent, job: FileJob, frames: ContentSink, grown: Grown | undefined): FileDone | undefined {
    const { size } = content;
    if (grown !== undefined && size < Math.max(grown.size, PIECE + 1)) return undefined;
    const keep = size <= SMALL ? this.#takeSmall(content, size, frames) : this.#storeLarge(content, size, job, frames, grown);
    const end = content.end();
    if (grown !== undefined && end.stored && end.front !== grown.sha256) return undefined;
    const index = sameAs(end, job);
    return { end, facts: content.facts, kept: index === -1 ? keep(end) : { kind: "same", index } };
  }

  /** Stored only when its hash is known: it may be what it was. */
  #takeSmall(content: PulledContent, size: number, frames: ContentSink): (end: ContentEnd) => FileKept {
    const bytes = this.#taken.subarray(0, size);
    content.read(bytes, size);
    return (end) => (end.stored && size > 0 ? { kind: "place", place: frames.add(bytes) } : { kind: "empty" });
  }

  #storeLarge(content: PulledContent, size: number, { before }: FileJob, frames: ContentSink, grown: Grown | undefined): () => FileKept {
    this.#split ??= Buffer.allocUnsafeSlow(SPLIT_BUFFER);
    const previous = before?.chunks ?? [];
    const chunks: KeptChunk[] = [];
    const parts = splitContent({
      read: (target, wanted) => content.read(target, wanted),
      size,
      chunker: this.#chunker,
      previous,
      assumed: grown?.chunks ?? 0,
      buffer: this.#split,
      onBytes: () => {},
    });
    for (const { bytes, hash, known } of parts) {
      const named = previous[known]?.kept === true;
      chunks.push({ length: bytes.length, hash, place: named ? known : frames.add(bytes) });
    }
    return () => ({ kind: "chunks", chunks });
  }
}

/** A log as it was, which is likely to be the front of what it is. */
interface Grown {
  /** Bytes. */
  readonly size: number;
  readonly sha256: string;
  /** All but the last, which ended where the log did, and not where its content says. */
  readonly chunks: number;
}

/** What is appended to is hashed once, and not by the chunk as well: the hash of its front says that all chunks of it are what they were. */
function grownFrom({ content, before }: FileJob): Grown | undefined {
  const [was, ...others] = before?.contents ?? [];
  if (content.kind !== "live" || !content.appending || was === undefined || others.length > 0) return undefined;
  const chunks = before?.chunks ?? [];
  if (chunks.length < 2 || chunks.some(({ length }) => !(length > 0 && length <= LONGEST_CHUNK))) return undefined;
  const size = chunks.reduce((sum, { length }) => sum + length, 0);
  return size > content.span.length ? undefined : { size, sha256: was.sha256, chunks: chunks.length - 1 };
}

/** What has the hash that a content had the last time is named where that lies, when it may be. @returns -1 for what has none of them */
function sameAs(end: ContentEnd, { before }: FileJob): number {
  if (!end.stored || end.size === 0 || before === undefined) return -1;
  return before.contents.findIndex(({ sha256, kept }) => kept && sha256 === end.sha256);
}
