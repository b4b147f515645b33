import type { PackId } from "../pack/locator.ts";
import type { Chunk, TreeContent, TreeEntry } from "../tree/tree-entry.ts";
import type { BeforeFile } from "./jobs.ts";

export type FileContent = Exclude<TreeContent, { kind: "pages" }>;

/** What of the backup before may be in a file: one content, or two. */
export interface KnownFile {
  readonly contents: readonly FileContent[];
  /** What a thread is told of them. */
  readonly before: BeforeFile;
}

/** Whether what lies in a pack may be named again where it lies. */
type Keeps = (pack: PackId) => boolean;

/** @param entries undefined where there is none; others than files are none either */
export function knownFile(entries: readonly (TreeEntry | undefined)[], keeps: Keeps): KnownFile | undefined {
  const files = entries.flatMap((known) =>
    known?.entry.sha256 === undefined || known.content.kind === "pages" ? [] : [{ sha256: known.entry.sha256, content: known.content }],
  );
  if (files.length === 0) return undefined;
  const contents = files.map(({ content }) => content);
  return {
    contents,
    before: {
      contents: files.map(({ sha256, content }) => ({ sha256, kept: isKept(content, keeps) })),
      chunks: chunksIn(contents).map((chunk) => ({ length: chunk.length, hash: chunk.hash, kept: keeps(chunk.place.pack) })),
    },
  };
}

/** Whether all of it may be named again. */
export function isKept(content: FileContent, keeps: Keeps): boolean {
  if (content.kind === "place") return keeps(content.place.pack);
  return content.kind === "none" || content.chunks.every(({ place }) => keeps(place.pack));
}

/** Those of one content behind those of the other. */
export function chunksIn(contents: readonly FileContent[]): readonly Chunk[] {
  return contents.flatMap((content) => (content.kind === "chunks" ? content.chunks : []));
}
