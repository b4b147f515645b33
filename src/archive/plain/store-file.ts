import { chmodSync, closeSync, ftruncateSync, openSync, renameSync, rmSync } from "node:fs";
import { writeFully } from "../../kernel/index.ts";
import { readContent, type ContentEnd, type LiveFacts, type ReadableContent } from "../../vault/index.ts";

/** One file to store, by value: a worker needs nothing else. */
export interface FileJob {
  readonly content: ReadableContent;
  readonly target: string;
  readonly sparse: boolean;
}

export interface FileDone {
  readonly end: ContentEnd;
  readonly facts: LiveFacts | undefined;
}

/** Holes are made in pieces of this size at least: a block of nearly every file system. Bytes. */
const HOLE = 4096;
const ZEROS = Buffer.alloc(64 * 1024);

/** Copies or takes one file and hashes what it stored. Leaves nothing when the file cannot be stored. */
export function storeFile({ content, target, sparse }: FileJob, buffer: Uint8Array, onBytes: (bytes: number) => void): FileDone {
  const movable = movablePath(content);
  const descriptor = movable === undefined ? openSync(target, "wx", 0o600) : undefined;
  let facts: LiveFacts | undefined;
  let end: ContentEnd;
  try {
    // Closed in any case: the file under it must not stay open when a write fails.
    using steps = readContent(content, buffer);
    let position = 0;
    for (;;) {
      const step = steps.next();
      if (step.done === true) {
        end = step.value;
        break;
      }
      if (step.value.step === "begin") {
        // Read anew: what was written before is void.
        if (position > 0 && descriptor !== undefined) ftruncateSync(descriptor, 0);
        position = 0;
        facts = step.value.facts;
        continue;
      }
      const { bytes } = step.value;
      if (descriptor !== undefined) writeAt(descriptor, bytes, position, sparse);
      position += bytes.length;
      onBytes(bytes.length);
    }
    if (sparse && end.stored && descriptor !== undefined) ftruncateSync(descriptor, end.size);
  } catch (error) {
    if (descriptor !== undefined) rmSync(target, { force: true });
    throw error;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
  if (movable !== undefined) {
    chmodSync(movable, 0o600);
    renameSync(movable, target);
  } else if (!end.stored) rmSync(target);
  return { end, facts };
}

/** The staged file itself, when it is the whole content and may be taken. */
function movablePath(content: ReadableContent): string | undefined {
  if (content.kind !== "staged" || !content.movable || content.spans.length !== 1) return undefined;
  const [span] = content.spans;
  return span?.kind === "file" && span.offset === 0 ? span.path : undefined;
}

function writeAt(descriptor: number, bytes: Uint8Array, position: number, sparse: boolean): void {
  const piece = sparse ? HOLE : bytes.length;
  let from = 0;
  // Runs of pieces that are not zero are written together.
  for (let offset = 0; offset < bytes.length; offset += piece) {
    const end = Math.min(bytes.length, offset + piece);
    if (!sparse || !isZero(bytes.subarray(offset, end))) continue;
    writeFully(descriptor, bytes.subarray(from, offset), position + from);
    from = end;
  }
  writeFully(descriptor, bytes.subarray(from), position + from);
}

function isZero(bytes: Uint8Array): boolean {
  return bytes[0] === 0 && ZEROS.subarray(0, bytes.length).equals(bytes);
}
