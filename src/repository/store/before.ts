import { InternalError } from "../../kernel/index.ts";
import type { BodyItem, BodyResult } from "../../local-vault/index.ts";
import type { ReadableContent } from "../../vault/index.ts";
import type { ComponentCache, SeenFile } from "../cache/component-cache.ts";
import { PageDigests } from "../split/page-digests.ts";
import type { PageHashes } from "../split/page-hashes.ts";
import type { Reference } from "../tree/reference.ts";
import type { Chunk, TreeContent, TreeEntry } from "../tree/tree-entry.ts";
import type { Base } from "./base.ts";
import { hashStoredPages } from "./hash-stored-pages.ts";
import type { BeforeFile, KeptChunk } from "./jobs.ts";
import type { Kept } from "./kept.ts";
import type { BeforeDatabase } from "./store-database.ts";

/** A change so shortly before the last backup may hide a later one behind the same time. Milliseconds. */
const COARSEST_CLOCK = 2000;
/** Writes through mmap leave no time behind: every file is read again after so long. Milliseconds. */
const READ_AGAIN = 7 * 24 * 60 * 60 * 1000;

export interface BeforeOptions {
  readonly base: Base | undefined;
  readonly cache: ComponentCache | undefined;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly pageKey: Uint8Array;
}

/** What the backup before tells of a component: what of it need not be read, and what need not be stored. */
export class Before {
  readonly #options: BeforeOptions;
  readonly #seen: Map<string, SeenFile> = new Map();
  readonly #hashes: Map<string, PageHashes> = new Map();

  constructor(options: BeforeOptions) {
    this.#options = options;
  }

  /** The entry as it was stored, when a look at the file says that it has not been touched since. */
  unchanged(item: BodyItem): BodyResult<Kept> | undefined {
    const { base, cache } = this.#options;
    const { content, head } = item;
    const seen = cache?.files.get(head.path);
    const known = base?.entries.get(head.path);
    if (seen === undefined || known === undefined || content?.kind !== "live" || !this.#isStill(content, seen)) return undefined;
    if (!this.#keeps(known.content) || known.entry.size !== seen.size) return undefined;
    this.#seen.set(head.path, seen);
    const kept: Kept = known.content as Exclude<TreeContent, { kind: "pages" }>;
    return { item, stored: true, size: seen.size, sha256: known.entry.sha256, facts: undefined, change: undefined, kept };
  }

  #isStill({ span, mtimeNs, ctimeNs }: ReadableContent & { kind: "live" }, seen: SeenFile): boolean {
    const { cache, now } = this.#options;
    const limit = BigInt((cache?.begun ?? 0) - COARSEST_CLOCK) * 1_000_000n;
    return (
      span.offset === 0 &&
      span.inode === seen.inode &&
      span.length === seen.size &&
      mtimeNs === seen.mtimeNs &&
      ctimeNs === seen.ctimeNs &&
      mtimeNs < limit &&
      ctimeNs < limit &&
      now - seen.readAt < READ_AGAIN &&
      now >= seen.readAt
    );
  }

  file(path: string): BeforeFile | undefined {
    const known = this.#options.base?.entries.get(path);
    if (known?.entry.sha256 === undefined || known.content.kind === "pages") return undefined;
    const chunks = known.content.kind === "chunks" ? known.content.chunks : [];
    return {
      sha256: known.entry.sha256,
      kept: this.#keeps(known.content),
      chunks: chunks.map(({ length, hash, place }) => ({ length, hash, kept: this.#options.base?.keeps(place.pack) === true })),
    };
  }

  content(path: string): Exclude<TreeContent, { kind: "pages" }> {
    const { content } = this.#entry(path);
    if (content.kind === "pages") throw new InternalError(`"${path}" was stored as a database`);
    return content;
  }

  chunk(path: string, { length, hash, place }: KeptChunk): Chunk {
    if (typeof place !== "number") return { length, hash, place };
    const { content } = this.#entry(path);
    const known = content.kind === "chunks" ? content.chunks[place] : undefined;
    if (known?.length !== length || known.hash !== hash) throw new InternalError(`"${path}" has no such chunk`);
    return known;
  }

  /** Blocks of the list of chunks that may be named again. */
  blocks(path: string): { readonly blocks?: readonly Reference[] } {
    const content = this.#options.base?.entries.get(path)?.content;
    return content?.kind === "chunks" && content.blocks !== undefined ? { blocks: content.blocks } : {};
  }

  database(path: string, pageSize: number): BeforeDatabase | undefined {
    const { base, cache, pageKey } = this.#options;
    const content = base?.entries.get(path)?.content;
    if (base === undefined || content?.kind !== "pages" || content.map.pageSize !== pageSize) return undefined;
    const map = base.pageMap(content.map);
    const remembered = cache?.databases.get(path);
    const fits = remembered?.pageSize === pageSize && remembered.pages === content.map.pages;
    const hashes = fits ? remembered : hashStoredPages(map.resolved, new PageDigests(pageKey, pageSize), (place) => base.read(place));
    const forced: number[] = [];
    for (const { first, pages, pack } of map.resolved.extents())
      if (!base.keeps(pack)) for (let page = first; page < first + pages; page += 1) forced.push(page);
    return { map, hashes, forced: Uint32Array.from(forced) };
  }

  /** For the next backup. */
  noteFile(path: string, content: ReadableContent): void {
    if (content.kind !== "live") return;
    const { span, mtimeNs, ctimeNs } = content;
    this.#seen.set(path, { inode: span.inode, size: span.length, mtimeNs, ctimeNs, readAt: this.#options.now });
  }

  noteDatabase(path: string, hashes: PageHashes): void {
    this.#hashes.set(path, hashes);
  }

  /** What the next backup may know. */
  cacheFor(manifestSha256: string): ComponentCache {
    return { manifestSha256, begun: this.#options.now, files: this.#seen, databases: this.#hashes };
  }

  #keeps(content: TreeContent): boolean {
    const { base } = this.#options;
    if (base === undefined || content.kind === "pages") return false;
    if (content.kind === "place") return base.keeps(content.place.pack);
    return content.kind === "none" || content.chunks.every(({ place }) => base.keeps(place.pack));
  }

  #entry(path: string): TreeEntry {
    const known = this.#options.base?.entries.get(path);
    if (known === undefined) throw new InternalError(`"${path}" was not in the backup before`);
    return known;
  }
}
