import type { DatabaseLook } from "./known-state.ts";

/**
 * Where bytes lie, by value: any process or thread can open a span. Device and inode say which file was
 * meant; whoever opens it compares them and refuses another one.
 */
export type Span =
  | {
      readonly kind: "file";
      readonly path: string;
      readonly device: bigint;
      readonly inode: bigint;
      readonly offset: number;
      /** Bytes. */
      readonly length: number;
    }
  | { readonly kind: "zeros"; readonly length: number };

/**
 * What an entry's bytes are.
 * - `none`: a directory, a link, another name of an earlier entry
 * - `staged`: private copy that nobody else writes, or a database that is held still until the reading is closed; `movable`
 *   lets the vault take the file itself (rename); `look` is what the database said of itself before it was copied
 * - `live`: the user's own file, which may move while it is read; `appending` says that growth is its nature (log)
 * - `known`: a database that has not been touched since the backup in which the vault said that it has it
 * - `stream`: produced once, length unknown (a command's output)
 */
export type Content =
  | { readonly kind: "none" }
  | { readonly kind: "staged"; readonly spans: readonly Span[]; readonly movable: boolean; readonly look?: DatabaseLook }
  | { readonly kind: "known" }
  | {
      readonly kind: "live";
      readonly span: Span & { readonly kind: "file" };
      readonly mtimeNs: bigint;
      readonly ctimeNs: bigint;
      readonly appending: boolean;
    }
  | { readonly kind: "stream"; readonly open: () => NodeJS.ReadableStream };
