import type { Span } from "../../vault/index.ts";

/** A span as JSON has it: device and inode in decimal digits. */
export type SpanLine =
  | Extract<Span, { kind: "zeros" }>
  | (Omit<Extract<Span, { kind: "file" }>, "device" | "inode"> & { readonly device: string; readonly inode: string });

/** What the engine asks of the child that opens databases: one JSON line each way. */
export interface CopyRequest {
  readonly kind: "copy";
  /** The database; absolute. */
  readonly path: string;
  /** Read with immutable=1: nobody has it open and no sidecar exists. */
  readonly cold: boolean;
  /** Where the copy goes: an empty private file, unless it is there already. */
  readonly target: string;
  /** Milliseconds. */
  readonly busyTimeout: number;
  /** The account in whose name the database is opened; null for the child's own. */
  readonly as: { readonly uid: number; readonly gid: number } | null;
  readonly quickCheck: boolean;
  /** The copy is there already: the database itself is not opened. */
  readonly copied: boolean;
}

export interface Seen {
  /** Decimal. */
  readonly device: string;
  readonly inode: string;
}

/** Bytes of a database that another process holds still are written one behind the other into a file of their own. */
export interface WriteRequest {
  readonly kind: "write";
  readonly spans: readonly SpanLine[];
  /** Nothing is there yet. */
  readonly target: string;
}

export type WriteAnswer = { readonly ok: true; /** Bytes. */ readonly written: number } | { readonly ok: false; readonly message: string };

export type CopyAnswer =
  | {
      readonly ok: true;
      /** By stat of the path, before it was opened and after it was closed. */
      readonly before: Seen;
      readonly after: Seen;
      readonly pageSize: number;
      readonly pages: number;
      readonly userVersion: number;
      readonly applicationId: number;
      /** null when the schema does not parse. */
      readonly schemaSha256: string | null;
      /** "ok", the first complaint, or null when it did not run. */
      readonly quickCheck: string | null;
      /** Why quick_check could not run although it was asked to. */
      readonly quickCheckProblem: string | null;
    }
  | {
      readonly ok: false;
      /** SQLite's extended result code; null for a failure outside of SQLite. */
      readonly sqlite: number | null;
      readonly errno: string | null;
      readonly message: string;
      /** What it was doing: the last two concern our own copy and not the source. */
      readonly step: "open" | "copy" | "inspect";
    };
