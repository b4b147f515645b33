import type { FileIdentity } from "../../kernel/index.ts";
import type { Span } from "../../vault/index.ts";
import { FRAME_HEADER, WAL_HEADER } from "./scan-wal.ts";

export interface SnapshotFiles {
  readonly pageSize: number;
  /** Of the database in this snapshot. */
  readonly pages: number;
  readonly file: { readonly path: string; readonly identity: FileIdentity; readonly size: number };
  /** null: the database file alone is the snapshot. */
  readonly log: { readonly path: string; readonly identity: FileIdentity; readonly pageOf: Uint32Array } | null;
}

/**
 * Where each page of a snapshot lies: in its last frame of the log, else in the database file, else, past its end, nowhere:
 * a page that was given to the database and never written is zeros. Neighbours that lie one behind the other are one span.
 */
export function snapshotSpans({ pageSize, pages, file, log }: SnapshotFiles): Span[] {
  const frames = log === null ? undefined : lastFrames(log.pageOf, pages);
  const spans: Span[] = [];
  const inFile = (from: number, to: number): void => {
    const there = Math.max(0, Math.min(to, file.size) - from);
    if (there > 0) spans.push({ kind: "file", path: file.path, ...file.identity, offset: from, length: there });
    if (to - from > there) spans.push({ kind: "zeros", length: to - from - there });
  };
  let run = 0;
  for (let page = 0; page < pages; page += 1) {
    const frame = frames?.[page] ?? 0;
    if (frame === 0 || log === null) continue;
    if (page > run) inFile(run * pageSize, page * pageSize);
    const offset = WAL_HEADER + (frame - 1) * (FRAME_HEADER + pageSize) + FRAME_HEADER;
    spans.push({ kind: "file", path: log.path, ...log.identity, offset, length: pageSize });
    run = page + 1;
  }
  if (pages > run) inFile(run * pageSize, pages * pageSize);
  return spans;
}

/** By page, the number of its last frame from 1 on; 0 for none. */
function lastFrames(pageOf: Uint32Array, pages: number): Uint32Array {
  const frames = new Uint32Array(pages);
  // A page behind the end was cut off again by a later commit.
  for (const [index, page] of pageOf.entries()) if (page <= pages) frames[page - 1] = index + 1;
  return frames;
}
