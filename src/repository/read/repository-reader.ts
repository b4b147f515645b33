import { DamageError, entryPoint, InternalError, throwIfAborted } from "../../kernel/index.ts";
import { checkedContent, checkEntries, EntriesCheck, givenEntries, placeIn, type ReaderParts } from "../../local-vault/index.ts";
import type {
  BackupHead,
  BackupReader,
  Entry,
  LocatedBackup,
  LocatedContent,
  LocatedEntry,
  OpenedEntry,
  ProvedBackup,
  ReadBackOptions,
} from "../../vault/index.ts";
import type { EpochKey, VaultKeys } from "../keys/epoch-key.ts";
import { readBackupFile } from "../manifest/backup-file.ts";
import type { PackTable } from "../manifest/pack-table.ts";
import { FrameCache } from "../pack/frame-cache.ts";
import { decodeRoots, type ComponentRoot } from "../tree/roots.ts";
import type { StoredContent, TreeEntry } from "../tree/tree-entry.ts";
import { readEntries, readStoredEntries } from "../tree/tree-reader.ts";
import { openContents, type LocatedData } from "./located-contents.ts";
import { proveContents } from "./prove-backup.ts";
import { ProvedBefore } from "./proved-before.ts";
import { readTreeContent } from "./read-content.ts";

/** Decoded frames of contents that are kept: the layers of a page map take turns. */
const CONTENT_BYTES = 24 * 1024 * 1024;
const TREE_BYTES = 8 * 1024 * 1024;
const BATCH = 1024;

type ReadOptions = Parameters<BackupReader["read"]>[0];

/** Reads a backup in repository form. The manifest decides what must be in it; the table, which packs are looked at. */
export class RepositoryReader implements BackupReader {
  readonly head: BackupHead;
  readonly #folder: string;
  readonly #keys: VaultKeys;
  readonly #parts: ReaderParts;
  readonly #roots: readonly ComponentRoot[];
  readonly #packs: PackTable;
  readonly #trees: FrameCache;
  readonly #contents: FrameCache;
  #checked: Promise<void> | undefined;
  #open = true;

  /** @param folder of the vault */
  constructor(folder: string, path: string, keys: VaultKeys, parts: ReaderParts) {
    this.#folder = folder;
    this.#keys = keys;
    this.#parts = parts;
    this.head = parts.head;
    const { packs, roots } = readBackupFile(path, keys, ["packs", "roots"]);
    this.#packs = packs;
    this.#roots = decodeRoots(roots);
    this.#checkNames();
    this.#trees = new FrameCache({ folder, packs, keys, budget: TREE_BYTES, frees: true });
    this.#contents = new FrameCache({ folder, packs, keys, budget: CONTENT_BYTES });
  }

  /** In stored order, which a group under one pause may decide and not the configuration. */
  #checkNames(): void {
    const { components } = this.head.manifest;
    if (this.#roots.length === components.length && this.#roots.every(({ name }) => components.includes(name))) return;
    throw new DamageError("BACKUP_DAMAGED", "The backup is damaged: its trees are not those of the manifest's components", {
      hint: "Use another backup",
    });
  }

  async *entries(): AsyncGenerator<Entry> {
    await this.#check();
    yield* givenEntries(() => this.#batches(), this.head.manifest);
  }

  async *read(options: ReadOptions = {}): AsyncGenerator<OpenedEntry> {
    const { select, signal, onBytes } = options;
    await this.#check();
    for (const { name, root } of this.#roots) {
      for (const tree of readEntries(this.#trees, root)) {
        throwIfAborted(signal);
        const entry: Entry = { component: name, ...tree.entry };
        if (select !== undefined && !select(entry)) continue;
        if (entry.type !== "file" || entry.hard_link !== undefined) {
          yield { entry };
          continue;
        }
        const reading = checkedContent(entry, placeIn(this.head.manifest, entry), this.#bytes(tree), (bytes) => {
          throwIfAborted(signal);
          onBytes?.(bytes);
        });
        try {
          yield { entry, content: reading.content };
          if (select === undefined) await reading.finish();
        } finally {
          await reading.close();
        }
      }
    }
  }

  located(): LocatedBackup {
    const data: LocatedData = { folder: this.#folder, packs: this.#packs.entries, epochs: epochsOf(this.#keys) };
    return {
      module: entryPoint(import.meta.url, "./located-contents").href,
      data,
      open: () => openContents(data),
      entries: (options) => this.#located(options),
    };
  }

  async *#located({ select, signal }: ReadOptions = {}): AsyncGenerator<LocatedEntry> {
    await this.#check();
    for (const { name, root } of this.#roots) {
      for (const stored of readStoredEntries(this.#trees, root)) {
        throwIfAborted(signal);
        const entry: Entry = { component: name, ...stored.entry };
        if (select !== undefined && !select(entry)) continue;
        const hasContent = entry.type === "file" && entry.hard_link === undefined;
        yield hasContent ? { entry, content: locate(stored.content) } : { entry };
      }
    }
  }

  /** @param before what the same run has read back already */
  async prove(options: ReadBackOptions = {}, before: ProvedBefore = new ProvedBefore(Date.now)): Promise<ProvedBackup> {
    this.#mustBeOpen();
    const place = { folder: this.#folder, epochs: epochsOf(this.#keys) };
    const check = new EntriesCheck(this.head.manifest, this.#parts);
    await proveContents({ place, packs: this.#packs, roots: this.#roots, source: this.#trees, before, check, ...options });
    const { component_details: details, size_bytes: bytes } = this.head.manifest;
    return { entries: Object.values(details).reduce((sum, { entries }) => sum + entries, 0), bytes };
  }

  #mustBeOpen(): void {
    if (!this.#open) throw new InternalError("A backup is read after it was closed");
  }

  #check(): Promise<void> {
    this.#mustBeOpen();
    // What it learns of every place is not kept: of a million files that is a tenth of what may be in memory.
    this.#checked ??= checkEntries(() => this.#batches(), this.head.manifest, this.#parts).then(() => {});
    return this.#checked;
  }

  async *#batches(): AsyncGenerator<readonly Entry[]> {
    for (const { name, root } of this.#roots) {
      let batch: Entry[] = [];
      for (const { entry } of readEntries(this.#trees, root)) {
        batch.push({ component: name, ...entry });
        if (batch.length < BATCH) continue;
        yield batch;
        batch = [];
      }
      yield batch;
    }
  }

  async *#bytes(tree: TreeEntry): AsyncGenerator<Uint8Array> {
    yield* readTreeContent(tree, this.#contents, this.#trees);
  }

  [Symbol.asyncDispose](): Promise<void> {
    if (!this.#open) return Promise.resolve();
    this.#open = false;
    this.#trees.close();
    this.#contents.close();
    this.#parts.release();
    return Promise.resolve();
  }
}

/** What is in chunks or pages lies in many frames, and what lies in one frame lies there with others. */
function locate(at: StoredContent): LocatedContent {
  if (at.kind === "none") return { at, near: "", divisible: false };
  return { at, near: at.kind === "place" ? `${at.place.pack}/${at.place.frame}` : undefined, divisible: at.kind === "pages" };
}

/** Of every epoch that may have sealed a pack. */
export function epochsOf(keys: VaultKeys): readonly EpochKey[] {
  return Array.from({ length: keys.newest.epoch }, (_, index) => index + 1).flatMap((epoch) => {
    try {
      return [keys.epoch(epoch)];
    } catch {
      // Whoever needs it is told then.
      return [];
    }
  });
}
