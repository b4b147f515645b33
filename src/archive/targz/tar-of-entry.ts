import type { EntryHead } from "../../vault/index.ts";
import type { TarEntry } from "./tar-entry.ts";

/** The tar entry of an entry. `tar x` then gives the user's files back with their modes, owners and times. */
export function tarOfEntry(entry: EntryHead, place: string, linkPlace: string | undefined): TarEntry {
  const type =
    linkPlace !== undefined ? "Link" : entry.type === "directory" ? "Directory" : entry.type === "symlink" ? "SymbolicLink" : "File";
  return {
    path: place,
    type,
    mode: entry.mode,
    uid: entry.uid,
    gid: entry.gid,
    user: entry.user ?? "",
    group: entry.group ?? "",
    mtimeNs: BigInt(entry.mtime_ns),
    size: type === "File" ? entry.size : 0,
    target: linkPlace ?? entry.target ?? "",
  };
}

/** The tar entry of a document of the backup itself. */
export function tarOfDocument(name: string, size: number, mtimeNs: bigint): TarEntry {
  return { path: name, type: "File", mode: 0o600, uid: 0, gid: 0, user: "", group: "", mtimeNs, size, target: "" };
}
