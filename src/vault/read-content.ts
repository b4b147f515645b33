import { createHash } from "node:crypto";
import { CaptureError } from "../kernel/index.ts";
import { openSpan, readFully, type OpenedFile } from "./open-span.ts";
import { readLive } from "./read-live.ts";
import type { Change } from "./reading.ts";
import type { Content, Span } from "./span.ts";

/** What the file itself says at the moment whose bytes are stored; replaces what the walk saw. */
export interface LiveFacts {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeNs: bigint;
}

/**
 * - `begin`: the content has `size` bytes, which follow. When it comes again the file had to be read anew: what was
 *   given since the first `begin` is void.
 * - `bytes`: a view of the buffer, good until the next step
 */
export type ContentStep =
  | { readonly step: "begin"; readonly size: number; readonly facts: LiveFacts | undefined }
  | { readonly step: "bytes"; readonly bytes: Uint8Array };

export type ContentEnd =
  | {
      readonly stored: true;
      readonly size: number;
      readonly sha256: string;
      readonly change: Change["change"] | undefined;
      /** SHA-256 of as much of its front as was asked for. */
      readonly front?: string | undefined;
    }
  /** Not to be stored: gone, or not readable. */
  | { readonly stored: false; readonly reason: "vanished" | { readonly unreadable: string } };

export type ReadableContent = Extract<Content, { kind: "live" | "staged" }>;

/**
 * The bytes of a content, step by step, with their hash at the end; the same code for every form of vault and for
 * threads. What fits into `buffer` is given in one piece, after it was seen to hold still.
 *
 * @param front of a live file that does not fit into `buffer`: the hash of so many bytes is told as well. Not more than it has
 * @throws CaptureError COMPONENT_MOVED when a private copy is not what it was
 */
export function readContent(content: ReadableContent, buffer: Uint8Array, front?: number): Generator<ContentStep, ContentEnd, void> {
  return content.kind === "live" ? readLive(content, buffer, front) : readStaged(content.spans, buffer);
}

function* readStaged(spans: readonly Span[], buffer: Uint8Array): Generator<ContentStep, ContentEnd, void> {
  const size = spans.reduce((sum, span) => sum + span.length, 0);
  yield { step: "begin", size, facts: undefined };
  const hash = createHash("sha256");
  // A pinned database comes as many spans of two files: each file is opened once.
  const files = new Map<string, OpenedFile>();
  try {
    for (const span of spans) {
      let file: OpenedFile | undefined;
      if (span.kind === "file") {
        file = files.get(span.path) ?? openSpan(span);
        files.set(span.path, file);
      } else {
        buffer.fill(0, 0, Math.min(buffer.length, span.length));
      }
      for (let done = 0; done < span.length;) {
        const wanted = Math.min(buffer.length, span.length - done);
        if (span.kind === "file" && file !== undefined && readFully(file.descriptor, buffer, wanted, span.offset + done) !== wanted) {
          throw new CaptureError("COMPONENT_MOVED", `The copy "${span.path}" is shorter than when it was made`, {
            hint: "Try again; look at the disk when it happens again",
          });
        }
        const bytes = buffer.subarray(0, wanted);
        hash.update(bytes);
        yield { step: "bytes", bytes };
        done += wanted;
      }
    }
  } finally {
    for (const file of files.values()) file[Symbol.dispose]();
  }
  return { stored: true, size, sha256: hash.digest("hex"), change: undefined };
}
