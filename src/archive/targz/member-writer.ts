import { closeSync, ftruncateSync, openSync } from "node:fs";
import { entryPoint, InternalError, WorkerPool, writeFully } from "../../kernel/index.ts";
import { encodeMember, MEMBER_LIMIT, STORED_LIMIT } from "./gzip-member.ts";
import type { GzipDone, GzipJob } from "./gzip-worker.ts";

/** Less than this is compressed at once when no thread runs yet. Bytes. */
const INLINE_LIMIT = 512 * 1024;

/** A place in the stream to come back to. */
export interface StreamMark {
  /** How many members lie before it. */
  readonly member: number;
}

/**
 * A file of gzip members. Bytes are cut into blocks, compressed by threads, and written in order. At most a fixed
 * number of blocks is under way, so that the memory does not grow with the stream.
 */
export class MemberWriter implements AsyncDisposable {
  readonly #descriptor: number;
  readonly #pool: WorkerPool<GzipJob, GzipDone>;
  readonly #under: Promise<GzipDone>[] = [];
  /** Buffers that threads have given back: in the long run nothing is allocated. */
  readonly #spareBlocks: ArrayBuffer[] = [];
  readonly #spareMembers: ArrayBuffer[] = [];
  /** Where each written member begins. */
  readonly #starts: number[] = [];
  #block: Uint8Array<ArrayBuffer> = new Uint8Array(new ArrayBuffer(MEMBER_LIMIT));
  #filled = 0;
  #position = 0;
  #open = true;

  /** @param path made here, exclusively */
  constructor(path: string) {
    this.#descriptor = openSync(path, "wx", 0o600);
    this.#pool = WorkerPool.of(entryPoint(import.meta.url, "./gzip-worker"));
  }

  /** Copies bytes into the stream. undefined when the next may come at once, else a promise to await first. */
  append(bytes: Uint8Array): Promise<void> | undefined {
    if (this.#filled + bytes.length > this.#block.length) return this.#appendInPieces(bytes);
    this.#block.set(bytes, this.#filled);
    this.#filled += bytes.length;
    return undefined;
  }

  async #appendInPieces(bytes: Uint8Array): Promise<void> {
    for (let offset = 0; offset < bytes.length;) {
      if (this.#filled === this.#block.length) await this.#send();
      const piece = bytes.subarray(offset, offset + this.#block.length - this.#filled);
      this.#block.set(piece, this.#filled);
      this.#filled += piece.length;
      offset += piece.length;
    }
  }

  /** Ends the current member, so that the stream can be cut here. */
  async mark(): Promise<StreamMark> {
    await this.#send();
    return { member: this.#starts.length + this.#under.length };
  }

  /** Forgets everything after a mark. */
  async rewind(mark: StreamMark): Promise<void> {
    this.#filled = 0;
    while (this.#under.length > 0) await this.#settleOldest();
    const position = this.#starts[mark.member];
    if (position === undefined) return; // nothing was sent since
    ftruncateSync(this.#descriptor, position);
    this.#starts.length = mark.member;
    this.#position = position;
  }

  /** Everything is in the file. Returns its length. */
  async flush(): Promise<number> {
    await this.#send();
    while (this.#under.length > 0) await this.#settleOldest();
    return this.#position;
  }

  async #send(): Promise<void> {
    if (this.#filled === 0) return;
    const length = this.#filled;
    if (!this.#pool.started && length < INLINE_LIMIT) {
      this.#write(encodeMember(this.#block.subarray(0, length)));
      this.#filled = 0;
      return;
    }
    const block = this.#block.buffer;
    const member = this.#spareMembers.pop() ?? new ArrayBuffer(STORED_LIMIT);
    const job = this.#pool.run({ block, length, member }, [block, member]);
    // Its failure is met when its turn comes.
    job.catch(() => {});
    this.#under.push(job);
    this.#filled = 0;
    this.#block = new Uint8Array(this.#spareBlocks.pop() ?? new ArrayBuffer(MEMBER_LIMIT));
    while (this.#under.length > this.#pool.size * 2) await this.#settleOldest();
  }

  async #settleOldest(): Promise<void> {
    const done = await this.#under.shift();
    if (done === undefined) return;
    this.#write(new Uint8Array(done.member, 0, done.memberLength));
    this.#spareBlocks.push(done.block);
    this.#spareMembers.push(done.member);
  }

  #write(member: Uint8Array): void {
    // The number of a closed descriptor may be another file's by now.
    if (!this.#open) throw new InternalError("The archive was closed while it was written");
    this.#starts.push(this.#position);
    writeFully(this.#descriptor, member, this.#position);
    this.#position += member.length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    // Each is a fraction of a second: the threads are left for the next stream.
    await Promise.allSettled(this.#under.splice(0));
    closeSync(this.#descriptor);
  }
}
