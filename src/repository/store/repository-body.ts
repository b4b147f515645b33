import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { crashpoint, InternalError, syncFiles } from "../../kernel/index.ts";
import {
  storeReading,
  type Body,
  type DraftBody,
  type EntryList,
  type FinishedBody,
  type NewBody,
  type Sealed,
} from "../../local-vault/index.ts";
import type { KnownState, Manifest, StoredComponent, StoreRequest } from "../../vault/index.ts";
import { writeCache, type CachePlace } from "../cache/cache-folder.ts";
import { CheckpointClock, type CheckpointEvery } from "../checkpoint/checkpoint-clock.ts";
import { writeCheckpoint } from "../checkpoint/checkpoint-file.ts";
import { purposeKey } from "../keys/derive.ts";
import type { VaultKeys } from "../keys/epoch-key.ts";
import { writeBackupFile } from "../manifest/backup-file.ts";
import type { PackTable } from "../manifest/pack-table.ts";
import type { PackSizes } from "../pack/pack-sizes.ts";
import { PackUse } from "../tree/pack-use.ts";
import { encodeRoots, treeName, type ComponentRoot } from "../tree/roots.ts";
import { BackupChecksum } from "./backup-checksum.ts";
import { sameBackup, type ComponentState } from "./component-state.ts";
import { RepositoryComponent } from "./component-writer.ts";
import { ComponentTree, type TreePlace } from "./component-tree.ts";
import type { Kept, KeptEntries } from "./kept.ts";
import { KnownComponents } from "./known-components.ts";
import { Threads } from "./threads.ts";
import { mustBeThere, WrittenPacks } from "./written-packs.ts";

export interface BodyPlace {
  /** Of the vault. */
  readonly folder: string;
  readonly keys: VaultKeys;
  readonly cache: CachePlace;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly sizes: PackSizes;
  /** How often what was stored is noted; as usual unless it is given. */
  readonly checkpoints?: CheckpointEvery | undefined;
}

/** In the folder of a draft. */
export const SEALED_NAME = "sealed.backup";

/** A backup while it is built: contents go to packs at once, and trees, which name them, by the megabyte and at the end. */
export class RepositoryBody implements DraftBody {
  readonly storesSeveral = true;
  readonly #request: NewBody;
  readonly #place: BodyPlace;
  readonly #threads: Threads;
  readonly #pageKey: Buffer;
  readonly #known: KnownComponents;
  readonly #components: Map<string, ComponentState> = new Map();
  readonly #checksum: BackupChecksum;
  readonly #packs: WrittenPacks;
  readonly #clock: CheckpointClock;
  /** Ranges of a database are stored several at a time, and what is stored is noted by one of them. */
  #noting = false;
  /** Nothing more is stored. */
  #ended = false;
  /** Caches name what was made for them. */
  #sealed = false;
  #finished: { readonly packs: PackTable; readonly roots: readonly ComponentRoot[] } | undefined;

  constructor(request: NewBody, place: BodyPlace) {
    const { folder, keys, sizes } = place;
    this.#request = request;
    this.#place = place;
    this.#checksum = new BackupChecksum(request.isImport);
    this.#pageKey = purposeKey(keys.newest.master, "page change");
    this.#known = new KnownComponents(request, {
      ...place,
      pageKey: this.#pageKey,
      scratch: request.staging,
      onTouched: (bytes) => this.#threads.expect(bytes),
    });
    this.#packs = new WrittenPacks(folder);
    this.#clock = new CheckpointClock(place.checkpoints);
    // An id may come again, in another vault or after a backup that was given up; threads live on.
    const store = { folder, epochKey: keys.newest, prefix: `${request.id}.${randomBytes(6).toString("hex")}`, sizes };
    // Of the first epoch: what is cut elsewhere after a rotation would be stored anew.
    this.#threads = new Threads(store, purposeKey(keys.epoch(1).master, "chunk boundaries"));
  }

  known(component: string): KnownState {
    return this.#known.ask(component).before;
  }

  async store(request: StoreRequest): Promise<StoredComponent> {
    const { component, reading } = request;
    const taken = this.#known.take(component);
    const state = reading.untouched === true ? taken : this.#known.readable(taken);
    // The reading goes on asking the one that it was opened with.
    if (state !== taken) taken.before.giveUp();
    this.#components.set(component, state);
    try {
      return await (reading.untouched === true ? this.#storeAsBefore(request, state) : this.#storeAnew(request, state));
    } catch (error) {
      this.#components.delete(component);
      state.before.next.discard();
      throw error;
    }
  }

  async #storeAnew(request: StoreRequest, state: ComponentState): Promise<StoredComponent> {
    const { component, reading } = request;
    const tree = (state.tree = new ComponentTree(component, state.base, this.#treePlace()));
    const checksum = this.#checksum.component(component, reading.report().source === "tree" && request.few !== true);
    const entries: EntryList<Kept, undefined> = {
      add: (_, entry, kept) => {
        tree.add({ entry, kept: kept ?? { kind: "none" } });
        checksum.add(entry);
      },
      mark: () => undefined,
      rewind: () => {},
    };
    const body: Pick<Body<Kept>, "component"> = {
      component: (options) => {
        const keepAsBefore = (kept: KeptEntries): void => {
          tree.keep(kept);
          for (const { entry } of kept.entries) checksum.add(entry);
        };
        const place = { threads: this.#threads, before: state.before, pageKey: this.#pageKey, noteStored: this.#noteStored, keepAsBefore };
        const writer = new RepositoryComponent(options, place);
        state.partly = () => writer.partly();
        return writer;
      },
    };
    let stored = false;
    try {
      const result = await storeReading(request, { body, entries, staging: this.#request.staging });
      state.memory = reading.memory?.();
      const warnings = [...state.warnings, ...state.before.warnings];
      stored = true;
      return warnings.length === 0 ? result : { ...result, warnings };
    } finally {
      checksum.end(stored);
    }
  }

  /** Nothing of it is read: its tree is that of the backup before. */
  async #storeAsBefore({ component, reading, onBytes }: StoreRequest, state: ComponentState): Promise<StoredComponent> {
    const details = state.base?.backup?.manifest.component_details[component];
    if (!state.before.whole || details === undefined)
      throw new InternalError(`Component "${component}" is called untouched, and there is nothing to compare it with`);
    await reading.confirm();
    this.#checksum.asBefore(component, () => state.base?.readEntries().map(({ entry }) => entry) ?? []);
    const { entries, bytes } = details;
    onBytes?.(bytes);
    return { entries, bytes, changed: [], omissions: [] };
  }

  /** Called between the steps of storing. Everything that was stored by then can be named when another backup goes on from there. */
  readonly #noteStored = async (bytes: number): Promise<void> => {
    if (this.#ended || !this.#clock.isDue(bytes) || this.#noting) return;
    this.#noting = true;
    try {
      await this.#writeCheckpoint();
    } finally {
      this.#noting = false;
    }
  };

  async #writeCheckpoint(): Promise<void> {
    this.#packs.add(await this.#threads.finishThreads());
    const written = this.#threads.frames.metadataBytes;
    // What has a backup to compare with needs no checkpoint.
    const begun = [...this.#components.values()].filter(({ base }) => base?.backup === undefined);
    const trees = begun.flatMap(({ tree, partly }) => (tree === undefined ? [] : [tree.soFar(partly?.())]));
    const roots = trees.map(({ root }) => root);
    this.#clock.cost(this.#threads.frames.metadataBytes - written);
    this.#packs.add(this.#threads.frames.finish());
    if (roots.every(({ root }) => root.references.length === 0)) return;
    const { folder, keys } = this.#place;
    // Now: a component that is given up while the disk is waited for takes the packs of its own base along.
    const packs = this.#table(PackUse.of(trees.map(({ use }) => use)));
    await this.#threads.flushed();
    await syncFiles(this.#packs.placesToSync());
    await writeCheckpoint(folder, keys.newest, { takenAt: this.#place.now, packs, roots });
  }

  #treePlace(): TreePlace {
    return { frames: this.#threads.frames, boundaryKey: purposeKey(this.#place.keys.epoch(1).master, "run boundaries") };
  }

  #table(use: PackUse): PackTable {
    return this.#packs.table(
      use,
      [...this.#components.values()].map(({ base }) => base),
    );
  }

  interrupt(): void {
    this.#threads.interrupt();
  }

  async finish(): Promise<FinishedBody> {
    this.#ended = true;
    // Closing and flushing their packs takes the threads a while; trees name packs by their ids, which are known.
    const finishing = this.#threads.finishThreads();
    finishing.catch(() => {});
    const components = this.#checksum.order.flatMap((name) => this.#components.get(name) ?? []);
    const roots = components.map(rootOf);
    this.#packs.add(await finishing);
    crashpoint("repository-content-stored");
    this.#packs.add(this.#threads.frames.finish());
    const same = sameBackup(components, roots);
    this.#finished = { packs: same?.packs ?? this.#table(PackUse.of(components.map(useOf))), roots: same?.roots ?? roots };
    const { checksum, features } = same?.backup === undefined ? this.#checksum.finish() : summaryOf(same.backup.manifest);
    return { checksum, features, storedBytes: this.#packs.bytes };
  }

  async seal(manifest: Buffer): Promise<Sealed> {
    if (this.#finished === undefined) throw new InternalError("A backup is sealed before it is finished");
    const { folder, keys, cache } = this.#place;
    const { packs, roots } = this.#finished;
    for (const pack of packs.entries) mustBeThere(folder, pack);
    const path = join(this.#request.folder, SEALED_NAME);
    writeBackupFile(path, keys.newest, { manifest, packs, roots: encodeRoots(roots) });
    for (const { name, root } of roots) {
      const state = this.#components.get(name);
      // What is as it was has the cache that it had.
      if (state?.tree === undefined) continue;
      const { next } = state.before;
      if (!writeCache(cache, name, next.cacheFor(treeName(root), state.memory))) next.discard();
    }
    this.#sealed = true;
    await this.#threads.flushed();
    await syncFiles([...this.#packs.placesToSync(), path]);
    return { path, flushed: true };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended = true;
    this.#known[Symbol.dispose]();
    await this.#threads.dispose();
    if (!this.#sealed) for (const { before } of this.#components.values()) before.next.discard();
  }
}

/** What a backup of the very entries of an earlier one says of them. */
function summaryOf({ checksum, features }: Manifest): Pick<FinishedBody, "checksum" | "features"> {
  return { checksum, features: features.read };
}

function rootOf({ name, base, tree }: ComponentState): ComponentRoot {
  if (tree !== undefined) return tree.finish();
  if (base === undefined) throw new InternalError(`Component "${name}" is as before, and there is nothing before it`);
  return { name, root: base.root };
}

function useOf({ base, tree }: ComponentState): PackUse {
  const use = tree?.use ?? new PackUse();
  if (tree === undefined && base !== undefined) use.addTree(base.source, base.root);
  return use;
}
