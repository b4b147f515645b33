import { DamageError, InternalError } from "../../kernel/index.ts";
import type { BodyItem, BodyResult } from "../../local-vault/index.ts";
import { isSameLook, type DatabaseLook, type FileLook, type KnownState, type ReadableContent } from "../../vault/index.ts";
import type { ComponentCache, SeenDatabase, SeenFile } from "../cache/component-cache.ts";
import type { PageHashes } from "../split/page-hashes.ts";
import type { PageMap } from "../tree/page-map.ts";
import type { Reference } from "../tree/reference.ts";
import type { Chunk, TreeContent, TreeEntry } from "../tree/tree-entry.ts";
import type { Base } from "./base.ts";
import { hashStoredPages } from "./hash-stored-pages.ts";
import type { BeforeFile } from "./jobs.ts";
import type { Kept } from "./kept.ts";
import type { BeforeDatabase } from "./store-database.ts";

/**
 * A change so shortly before the last backup may hide a later one behind the same time: a page that is written through a
 * mapping keeps the time of its first write until the kernel has flushed it, which it does within a minute. Milliseconds.
 */
const SETTLED = 120_000;
/** Writes through a mapping leave no time behind: everything is read again after so long. Milliseconds. */
const READ_AGAIN = 7 * 24 * 60 * 60 * 1000;

export interface BeforeOptions {
  readonly base: Base | undefined;
  readonly cache: ComponentCache | undefined;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly pageKey: Uint8Array;
}

/** What the backup before tells of a component: what of it need not be read, and what need not be stored. */
export class Before implements KnownState {
  readonly #options: BeforeOptions;
  readonly #files: Map<string, SeenFile> = new Map();
  readonly #databases: Map<string, SeenDatabase> = new Map();
  readonly #warnings: Set<string> = new Set();
  readonly #maps: Map<PageMap["ref"], PageMap> = new Map();

  constructor(options: BeforeOptions) {
    this.#options = options;
  }

  get manifestSha256(): string {
    return this.#options.base?.backup.sha256 ?? "";
  }

  hasFile(path: string, look: FileLook): boolean {
    const seen = this.#options.cache?.files.get(path);
    const known = this.#options.base?.entries.get(path);
    if (seen === undefined || known === undefined || known.content.kind === "pages") return false;
    return this.#isStill(seen, look, seen.readAt) && known.entry.size === look.size && this.#keeps(known.content);
  }

  hasDatabase(path: string, look: DatabaseLook): boolean {
    const seen = this.#options.cache?.databases.get(path);
    const content = this.#options.base?.entries.get(path)?.content;
    if (seen === undefined || seen.look === null || content?.kind !== "pages" || !this.#isStill(seen.look.file, look.file, seen.readAt))
      return false;
    const { log } = seen.look;
    // A log that went away may have held what the file never got.
    if (look.log === null ? log !== null : log === null || !this.#isStill(log, look.log, seen.readAt)) return false;
    const map = this.#pageMap(path, content.map);
    return map !== undefined && this.#keepsMap(map);
  }

  /** Both times lie so far before the last backup that a later change shows. */
  #isStill(seen: FileLook, look: FileLook, readAt: number): boolean {
    const { cache, now } = this.#options;
    const limit = BigInt((cache?.begun ?? 0) - SETTLED) * 1_000_000n;
    return isSameLook(seen, look) && look.mtimeNs < limit && look.ctimeNs < limit && now >= readAt && now - readAt < READ_AGAIN;
  }

  /** The entry as it was stored, when a look at the file says that it has not been touched since. */
  unchanged(item: BodyItem): BodyResult<Kept> | undefined {
    const { content, head } = item;
    if (item.known === true) return this.#asBefore(item);
    if (content?.kind !== "live" || content.span.offset !== 0) return undefined;
    const { span, mtimeNs, ctimeNs } = content;
    if (!this.hasFile(head.path, { inode: span.inode, size: span.length, mtimeNs, ctimeNs })) return undefined;
    return this.#asBefore(item);
  }

  #asBefore(item: BodyItem): BodyResult<Kept> {
    const { path } = item.head;
    const { entry, content } = this.#entry(path);
    const [file, database] = [this.#options.cache?.files.get(path), this.#options.cache?.databases.get(path)];
    if (file !== undefined) this.#files.set(path, file);
    if (database !== undefined) this.#databases.set(path, database);
    const kept: Kept = content.kind === "pages" ? { kind: "map", map: this.#pageMap(path, content.map) ?? refuse(path) } : content;
    return { item, stored: true, size: entry.size, sha256: entry.sha256, facts: undefined, change: undefined, kept };
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

  chunk(path: string, index: number, { length, hash }: Pick<Chunk, "length" | "hash">): Chunk {
    const { content } = this.#entry(path);
    const known = content.kind === "chunks" ? content.chunks[index] : undefined;
    if (known?.length !== length || known.hash !== hash) throw new InternalError(`"${path}" has no such chunk`);
    return known;
  }

  /** Blocks of the list of chunks that may be named again. */
  blocks(path: string): { readonly blocks?: readonly Reference[] } {
    const content = this.#options.base?.entries.get(path)?.content;
    return content?.kind === "chunks" && content.blocks !== undefined ? { blocks: content.blocks } : {};
  }

  database(path: string, pageSize: number): BeforeDatabase | undefined {
    const { base, cache } = this.#options;
    const content = base?.entries.get(path)?.content;
    if (base === undefined || content?.kind !== "pages" || content.map.pageSize !== pageSize) return undefined;
    const map = this.#pageMap(path, content.map);
    const remembered = cache?.databases.get(path)?.hashes;
    const fits = remembered?.pageSize === pageSize && remembered.pages === content.map.pages;
    const hashes = fits || map === undefined ? remembered : this.#readHashes(path, map);
    if (map === undefined || hashes === undefined) return undefined;
    const forced: number[] = [];
    for (const { first, pages, pack } of map.resolved.extents())
      if (!base.keeps(pack)) for (let page = first; page < first + pages; page += 1) forced.push(page);
    return { map, hashes, forced: Uint32Array.from(forced) };
  }

  /** For the next backup. */
  noteFile(path: string, content: ReadableContent): void {
    if (content.kind !== "live") return;
    const { span, mtimeNs, ctimeNs } = content;
    this.#files.set(path, { inode: span.inode, size: span.length, mtimeNs, ctimeNs, readAt: this.#options.now });
  }

  noteDatabase(path: string, hashes: PageHashes, look: DatabaseLook | undefined): void {
    this.#databases.set(path, { hashes, look: look ?? null, readAt: this.#options.now });
  }

  /** What the next backup may know. */
  cacheFor(manifestSha256: string): ComponentCache {
    return { manifestSha256, begun: this.#options.now, files: this.#files, databases: this.#databases };
  }

  #pageMap(path: string, ref: PageMap["ref"]): PageMap | undefined {
    const known = this.#maps.get(ref);
    if (known !== undefined) return known;
    const map = this.#orWarn(path, () => this.#options.base?.pageMap(ref));
    if (map !== undefined) this.#maps.set(ref, map);
    return map;
  }

  #readHashes(path: string, { resolved }: PageMap): PageHashes | undefined {
    const { base, pageKey } = this.#options;
    return this.#orWarn(path, () => (base === undefined ? undefined : hashStoredPages(resolved, pageKey, (place) => base.read(place))));
  }

  /** What cannot be read of the backup before is no reason to take none now: it is stored anew. */
  #orWarn<T>(path: string, read: () => T | undefined): T | undefined {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof DamageError)) throw error;
      this.#warnings.add(`"${path}" is stored anew, because it is damaged in backup "${this.#options.base?.backup.id}": ${error.message}`);
      return undefined;
    }
  }

  /** For people. */
  get warnings(): readonly string[] {
    return [...this.#warnings];
  }

  #keepsMap({ ref, resolved }: PageMap): boolean {
    const { base } = this.#options;
    if (![...ref.blocks, ...ref.layers].every(({ place }) => base?.keeps(place.pack) === true)) return false;
    for (const { pack } of resolved.extents()) if (base?.keeps(pack) !== true) return false;
    return true;
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

function refuse(path: string): never {
  throw new InternalError(`"${path}" is called known, and its map cannot be read`);
}
