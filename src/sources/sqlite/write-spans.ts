import { closeSync, openSync } from "node:fs";
import { writeFully } from "../../kernel/index.ts";
import { openSpan, readFully, type OpenedFile, type Span } from "../../vault/index.ts";

const PIECE = 1024 * 1024;
/**
 * Bytes of one write. Linux may keep what a larger one writes in larger pieces of memory. Measured on a virtual machine, these
 * were more often slow to touch for the first time, by several times as long as the copy: docs/decisions/0023.
 */
const AT_ONCE = PIECE / 4;

/**
 * Writes what the spans hold one behind the other into a private file, where nothing is yet. Nothing is flushed: a
 * vault flushes what it keeps, and a copy that it only reads is removed.
 *
 * @returns bytes that were written; fewer than the spans hold when a file is shorter than its span
 */
export function writeSpans(spans: readonly Span[], target: string): number {
  const into = openSync(target, "wx", 0o600);
  const files = new Map<string, OpenedFile>();
  const piece = Buffer.allocUnsafe(PIECE);
  let filled = 0;
  let written = 0;
  const flush = (): void => {
    writeFully(into, piece.subarray(0, filled), written, AT_ONCE);
    written += filled;
    filled = 0;
  };
  try {
    for (const span of spans) {
      for (let done = 0; done < span.length;) {
        if (filled === PIECE) flush();
        const wanted = Math.min(PIECE - filled, span.length - done);
        const got = fill(piece.subarray(filled, filled + wanted), span, done, files);
        filled += got;
        done += got;
        if (got === wanted) continue;
        flush();
        return written;
      }
    }
    flush();
    return written;
  } finally {
    closeSync(into);
    for (const file of files.values()) file[Symbol.dispose]();
  }
}

/** Fills `bytes` with what the span holds from `from` on. Says how many there were. */
function fill(bytes: Buffer, span: Span, from: number, files: Map<string, OpenedFile>): number {
  if (span.kind === "zeros") {
    bytes.fill(0);
    return bytes.length;
  }
  const file = files.get(span.path) ?? openSpan(span);
  files.set(span.path, file);
  return readFully(file.descriptor, bytes, bytes.length, span.offset + from);
}
