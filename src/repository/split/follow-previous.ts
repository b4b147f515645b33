import { hash } from "node:crypto";
import { CaptureError, InternalError } from "../../kernel/index.ts";
import { LONGEST_CHUNK, SHORTEST_CHUNK, type Chunker } from "./chunker.ts";

/** A chunk of the content as it was stored last: its hash is the first 16 bytes of its SHA-256, in hex. */
export interface PreviousChunk {
  readonly length: number;
  readonly hash: string;
}

export interface SplitChunk {
  /** A view of the buffer, good until the next step. */
  readonly bytes: Uint8Array;
  readonly hash: string;
  /** Index of a previous chunk with these bytes, or -1. */
  readonly known: number;
}

export interface SplitContent {
  /** Fills the front of `buffer` with `wanted` bytes of the content and says how many there were; fewer only at its end. */
  readonly read: (buffer: Uint8Array, wanted: number, position: number) => number;
  readonly size: number;
  readonly chunker: Chunker;
  /** A hint: whatever it says, the chunks follow one another and are the content. */
  readonly previous: readonly PreviousChunk[];
  /**
   * The first so many of the previous chunks are taken for what stands there, by their lengths alone: whoever asks for it proves it in another way, or throws
   * away what came out.
   */
  readonly assumed?: number;
  /** At least LONGEST_CHUNK bytes; with four times that, what is moved within it does not matter. */
  readonly buffer: Uint8Array;
  /** Is given every byte once and in order, in pieces, each before the chunk it belongs to. */
  readonly onBytes: (bytes: Uint8Array) => void;
}

/**
 * Splits a content into chunks. Boundaries of the previous version are tried first: while the next bytes hash to the next
 * previous chunk, its end is kept and nothing is searched. After a mismatch the chunker runs until a chunk of the
 * previous version is met, and goes on from there.
 *
 * A previous chunk counts as met when length and 128 bits of SHA-256 agree; the caller then names the stored bytes in
 * place of these.
 *
 * @throws CaptureError COMPONENT_MOVED when the content ends before `size`
 */
export function* splitContent({
  read,
  size,
  chunker,
  previous,
  assumed = 0,
  buffer,
  onBytes,
}: SplitContent): Generator<SplitChunk, void, void> {
  if (buffer.length < LONGEST_CHUNK) throw new InternalError(`A buffer of ${buffer.length} bytes does not hold the longest chunk`);
  const track = new PreviousTrack(previous, assumed);
  let from = 0;
  let to = 0;
  for (let position = 0; position < size;) {
    const unread = size - position - (to - from);
    if (to - from < LONGEST_CHUNK && unread > 0) {
      buffer.copyWithin(0, from, to);
      [from, to] = [0, to - from];
      const wanted = Math.min(buffer.length - to, unread);
      if (read(buffer.subarray(to, to + wanted), wanted, position + to) !== wanted) throw endedEarly(size);
      to += wanted;
    }
    const chunk = nextChunk(buffer.subarray(from, to), size - position, chunker, track);
    onBytes(chunk.bytes);
    yield chunk;
    from += chunk.bytes.length;
    position += chunk.bytes.length;
  }
}

/** @param bytes what is at hand: LONGEST_CHUNK bytes or more, or all that is left */
function nextChunk(bytes: Uint8Array, left: number, chunker: Chunker, track: PreviousTrack): SplitChunk {
  const assumed = track.takeAssumed();
  if (assumed !== undefined) return { bytes: bytes.subarray(0, assumed.length), hash: assumed.hash, known: track.follow() };
  const tried = track.next(left);
  let triedHash: string | undefined;
  if (tried !== undefined) {
    const candidate = bytes.subarray(0, tried.length);
    triedHash = hashOf(candidate);
    if (triedHash === tried.hash) return { bytes: candidate, hash: triedHash, known: track.follow() };
  }
  const chunk = bytes.subarray(0, chunker.cut(bytes, 0, bytes.length, bytes.length === left));
  const chunkHash = triedHash !== undefined && tried?.length === chunk.length ? triedHash : hashOf(chunk);
  return { bytes: chunk, hash: chunkHash, known: track.meet(chunkHash, chunk.length) };
}

/** Where in the previous version the content stands. */
class PreviousTrack {
  readonly #chunks: readonly PreviousChunk[];
  /** Made at the first mismatch: content that did not change needs none. */
  #indexes: Map<string, number> | undefined;
  /** Index of the chunk to try next; -1 while the track is lost. */
  #next = 0;

  /** How many chunks from here on are taken to stand here: of the front alone, wherever the track leads behind it. */
  #assumed: number;

  constructor(chunks: readonly PreviousChunk[], assumed: number) {
    this.#chunks = chunks;
    this.#assumed = assumed;
  }

  /** The chunk that is taken to stand here. Asked once for each: what is met later may be a chunk of the front again, and is not at the front. */
  takeAssumed(): PreviousChunk | undefined {
    if (this.#assumed === 0) return undefined;
    this.#assumed -= 1;
    return this.#chunks[this.#next];
  }

  /**
   * The chunk to try, when its end may be kept. The end of the whole is no boundary by content: kept inside a content
   * that grew behind it, every append would leave a chunk of its own, however short.
   */
  next(left: number): PreviousChunk | undefined {
    const chunk = this.#chunks[this.#next];
    if (chunk === undefined || !Number.isSafeInteger(chunk.length) || chunk.length > Math.min(left, LONGEST_CHUNK)) return undefined;
    if (chunk.length === left) return chunk;
    return chunk.length >= SHORTEST_CHUNK && this.#next < this.#chunks.length - 1 ? chunk : undefined;
  }

  /** The chunk to try is the one. */
  follow(): number {
    this.#next += 1;
    return this.#next - 1;
  }

  /** A chunk was found by its content: where it stands among the previous ones, or -1. */
  meet(chunkHash: string, length: number): number {
    // Of equal chunks the first: behind it come the others.
    this.#indexes ??= new Map(this.#chunks.map((chunk, index) => [chunk.hash, index] as const).toReversed());
    const index = this.#indexes.get(chunkHash) ?? -1;
    const known = this.#chunks[index]?.length === length ? index : -1;
    this.#next = known === -1 ? -1 : known + 1;
    return known;
  }
}

function hashOf(bytes: Uint8Array): string {
  return hash("sha256", bytes, "hex").slice(0, 32);
}

function endedEarly(size: number): CaptureError {
  return new CaptureError("COMPONENT_MOVED", `The content ends before its ${size} bytes`, {
    hint: "Try again when nothing shortens it",
  });
}
