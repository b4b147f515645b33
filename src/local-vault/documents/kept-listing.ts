import type { Listing } from "../../vault/index.ts";
import type { Layout } from "../layout.ts";
import { makeListing } from "./listing.ts";
import { ReadBefore, type Stamp } from "./read-before.ts";
import { readDocuments } from "./read-documents.ts";

/** Where what was read of a vault is kept from one process to the next; sealed, so that what comes back is what was kept. */
export interface KeptReads {
  /** undefined when there is nothing, or nothing that can be believed. */
  load(): Buffer | undefined;
  /** A failure costs the next listing its time, and nothing else. */
  save(bytes: Buffer): void;
}

/** Fewer files than this are read faster than they are recalled. */
const MANY = 1000;
/** So large a part of them is read anew before they are all kept once more. */
const WORTH_KEEPING = 0.05;
const VERSION = 1;

type Row = readonly [path: string, dev: string, ino: string, mode: string, size: string, mtimeNs: string, ctimeNs: string, value: unknown];

/**
 * The listing of a vault with many backups for a process that only looks: files that are as they were when another process
 * read them are not read again. ReadBefore says what a look at a file tells, and what it does not.
 */
export function listRecalling(layout: Layout, vault: string, kept: KeptReads): Listing {
  const reads = new ReadBefore();
  recall(reads, layout.top, kept.load());
  const listing = makeListing(layout, readDocuments(layout, vault, reads), reads);
  reads.endRound();
  const fresh = reads.size - reads.recalled;
  if (reads.size >= MANY && fresh > reads.size * WORTH_KEEPING) kept.save(rowsOf(reads, layout.top));
  return listing;
}

function rowsOf(reads: ReadBefore, top: string): Buffer {
  const rows: Row[] = [];
  for (const { path, stamp, value } of reads.known()) {
    // Of folders, which are read quickly.
    if (Array.isArray(value) || !path.startsWith(`${top}/`)) continue;
    const { dev, ino, mode, size, mtimeNs, ctimeNs } = stamp;
    rows.push([path.slice(top.length + 1), `${dev}`, `${ino}`, `${mode}`, `${size}`, `${mtimeNs}`, `${ctimeNs}`, value]);
  }
  return Buffer.from(JSON.stringify({ version: VERSION, rows }));
}

function recall(reads: ReadBefore, top: string, bytes: Buffer | undefined): void {
  if (bytes === undefined) return;
  const { version, rows } = JSON.parse(bytes.toString("utf8")) as { readonly version: number; readonly rows: readonly Row[] };
  if (version !== VERSION) return;
  for (const [path, dev, ino, mode, size, mtimeNs, ctimeNs, value] of rows) {
    const stamp: Stamp = {
      dev: BigInt(dev),
      ino: BigInt(ino),
      mode: BigInt(mode),
      size: BigInt(size),
      mtimeNs: BigInt(mtimeNs),
      ctimeNs: BigInt(ctimeNs),
    };
    reads.note(`${top}/${path}`, stamp, value);
  }
}
