import { closeSync, constants, fstatSync, openSync, readSync, type BigIntStats } from "node:fs";
import { CaptureError, errnoOf, namedSystemError } from "../kernel/index.ts";
import type { Span } from "./span.ts";

/** No link is followed, and a pipe that took the file's place does not block. */
const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

export interface OpenedFile extends Disposable {
  readonly descriptor: number;
  readonly stats: BigIntStats;
}

/** Opens what lies at a path now, and says what it is. */
export function openFile(path: string): OpenedFile {
  const descriptor = openSync(path, FLAGS);
  try {
    return { descriptor, stats: fstatSync(descriptor, { bigint: true }), [Symbol.dispose]: () => closeSync(descriptor) };
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

/**
 * Opens exactly the file that a span names, by device and inode, and refuses another one at its path.
 * For private copies, which nobody may replace.
 *
 * @throws CaptureError COMPONENT_MOVED
 */
export function openSpan(span: Span & { readonly kind: "file" }): OpenedFile {
  let file: OpenedFile;
  try {
    file = openFile(span.path);
  } catch (cause) {
    if (errnoOf(cause) !== "ENOENT" && errnoOf(cause) !== "ELOOP") throw namedSystemError(cause, `open "${span.path}"`);
    throw moved(span.path, cause);
  }
  if (file.stats.isFile() && file.stats.dev === span.device && file.stats.ino === span.inode) return file;
  file[Symbol.dispose]();
  throw moved(span.path);
}

function moved(path: string, cause?: unknown): CaptureError {
  return new CaptureError("COMPONENT_MOVED", `"${path}" was replaced before it was stored`, {
    cause,
    hint: "Try again when nothing replaces it",
  });
}

/** Reads up to `length` bytes; fewer only at the end of the file. */
export function readFully(descriptor: number, buffer: Uint8Array, length: number, position: number): number {
  let done = 0;
  while (done < length) {
    const read = readSync(descriptor, buffer, done, length - done, position + done);
    if (read === 0) break;
    done += read;
  }
  return done;
}
