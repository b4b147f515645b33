import { InternalError } from "../../kernel/index.ts";
import { readContent, type ContentEnd, type LiveFacts, type ReadableContent } from "../../vault/index.ts";

/** Thrown when a file is read anew: what was taken of it is void. */
export class ReadAnew extends Error {}

/**
 * A content of which somebody asks for the next bytes, with the same care for files that move as whoever is given them.
 */
export class PulledContent implements Disposable {
  readonly #steps: ReturnType<typeof readContent>;
  #bytes: Uint8Array = new Uint8Array(0);
  #size = 0;
  #facts: LiveFacts | undefined;
  #end: ContentEnd | undefined;

  /** @param buffer what fits into it comes in one piece, when it has been seen to hold still. @param front see readContent() */
  constructor(content: ReadableContent, buffer: Uint8Array, front?: number) {
    this.#steps = readContent(content, buffer, front);
  }

  get facts(): LiveFacts | undefined {
    return this.#facts;
  }

  /** Goes on to where bytes are to come. @returns how many, or the end when it is not to be stored */
  begin(): number | (ContentEnd & { readonly stored: false }) {
    const step = this.#steps.next();
    if (step.done === true) {
      if (step.value.stored) throw new InternalError("A content ended before it began");
      return step.value;
    }
    if (step.value.step !== "begin") throw new InternalError("A content did not begin");
    ({ size: this.#size, facts: this.#facts } = step.value);
    this.#bytes = new Uint8Array(0);
    return this.#size;
  }

  /** Fills the front of `target` with the next bytes; fewer only at the end. @throws ReadAnew after which begin() was done */
  read(target: Uint8Array, wanted: number): number {
    let done = 0;
    while (done < wanted) {
      if (this.#bytes.length === 0 && !this.#next()) break;
      const length = Math.min(this.#bytes.length, wanted - done);
      target.set(this.#bytes.subarray(0, length), done);
      this.#bytes = this.#bytes.subarray(length);
      done += length;
    }
    return done;
  }

  /** How it ended, once everything was read. @throws ReadAnew */
  end(): ContentEnd {
    if (this.#bytes.length > 0 || this.#next()) throw new InternalError("A content goes on after its end");
    return this.#end as ContentEnd;
  }

  get size(): number {
    return this.#size;
  }

  #next(): boolean {
    if (this.#end !== undefined) return false;
    const step = this.#steps.next();
    if (step.done === true) {
      this.#end = step.value;
      return false;
    }
    if (step.value.step === "bytes") {
      this.#bytes = step.value.bytes;
      return true;
    }
    ({ size: this.#size, facts: this.#facts } = step.value);
    throw new ReadAnew("read anew");
  }

  [Symbol.dispose](): void {
    this.#steps.return({ stored: false, reason: "vanished" });
  }
}
