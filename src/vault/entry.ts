/** One thing inside a component, as entries.jsonl records it. Field names are those of the document. */
export interface Entry {
  readonly component: string;
  /** Inside the component, "/" between names, no leading slash; "." is the root of a tree. */
  readonly path: string;
  readonly type: "file" | "directory" | "symlink";
  /** Permission bits, 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly user?: string;
  readonly group?: string;
  /** Nanoseconds since the epoch, decimal. */
  readonly mtime_ns: string;
  /** Bytes; 0 for a directory and a link. */
  readonly size: number;
  /** Lower-case hex of the content; absent for a directory and a link, and where `pages_sha256` stands for it. */
  readonly sha256?: string;
  /** Lower-case hex, of a database that was stored by page: SHA-256 over the SHA-256 of each 64 KiB of it, see PagesHash. */
  readonly pages_sha256?: string;
  /** Where a symbolic link points, as it stands. */
  readonly target?: string;
  /** Path, in the same component, of the entry that this one is another name of. That entry comes first. */
  readonly hard_link?: string;
  /** The file had holes; a restore makes them again. */
  readonly sparse?: boolean;
  /** A database, copied consistently and not byte by byte. */
  readonly database?: boolean;
}
