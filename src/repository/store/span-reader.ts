import { CaptureError } from "../../kernel/index.ts";
import { openSpan, readFully, type OpenedFile, type Span } from "../../vault/index.ts";

/** Reads a content of many spans by position. Each file is opened once, and is the one that the spans mean. */
export class SpanReader implements Disposable {
  readonly size: number;
  readonly #spans: readonly Span[];
  /** Where each span begins in the content. */
  readonly #starts: readonly number[];
  readonly #files: Map<string, OpenedFile> = new Map();

  constructor(spans: readonly Span[]) {
    this.#spans = spans;
    const starts: number[] = [];
    let size = 0;
    for (const span of spans) {
      starts.push(size);
      size += span.length;
    }
    this.#starts = starts;
    this.size = size;
  }

  /** Fills the front of `buffer`; fewer than `wanted` bytes only at the end of the content. */
  readonly read = (buffer: Uint8Array, wanted: number, position: number): number => {
    let done = 0;
    for (let index = this.#indexAt(position); done < wanted && index < this.#spans.length; index += 1) {
      const span = this.#spans[index] as Span;
      const skipped = position + done - (this.#starts[index] as number);
      const length = Math.min(wanted - done, span.length - skipped);
      this.#readSpan(span, skipped, buffer.subarray(done, done + length));
      done += length;
    }
    return done;
  };

  #readSpan(span: Span, skipped: number, target: Uint8Array): void {
    if (span.kind === "zeros") {
      target.fill(0);
      return;
    }
    const file = this.#files.get(span.path) ?? openSpan(span);
    this.#files.set(span.path, file);
    if (readFully(file.descriptor, target, target.length, span.offset + skipped) === target.length) return;
    throw new CaptureError("COMPONENT_MOVED", `The copy "${span.path}" is shorter than when it was made`, {
      hint: "Try again; look at the disk when it happens again",
    });
  }

  /** The span that holds a position. */
  #indexAt(position: number): number {
    let low = 0;
    let high = this.#starts.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if ((this.#starts[middle] as number) <= position) low = middle;
      else high = middle;
    }
    return low;
  }

  [Symbol.dispose](): void {
    for (const file of this.#files.values()) file[Symbol.dispose]();
  }
}
