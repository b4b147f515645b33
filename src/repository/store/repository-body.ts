import { createHash, randomBytes } from "node:crypto";
import { join } from "node:path";
import { crashpoint, DamageError, InternalError, lstatAt } from "../../kernel/index.ts";
import { storeReading, type Body, type DraftBody, type EntryList, type NewBody } from "../../local-vault/index.ts";
import { EntryChecksum, type KnownState } from "../../vault/index.ts";
import { readCache, writeCache, type CachePlace } from "../cache/cache-folder.ts";
import { purposeKey } from "../keys/derive.ts";
import type { VaultKeys } from "../keys/epoch-key.ts";
import { writeBackupFile } from "../manifest/backup-file.ts";
import { PackTable, type TableEntry } from "../manifest/pack-table.ts";
import type { Locator, PackId } from "../pack/locator.ts";
import { packPath } from "../pack/pack-place.ts";
import type { FinishedPack } from "../pack/pack-writer.ts";
import { PackUse } from "../tree/pack-use.ts";
import type { Keeping } from "../tree/reference-index.ts";
import { encodeRoots, type ComponentRoot } from "../tree/roots.ts";
import type { TreeContent } from "../tree/tree-entry.ts";
import { TreeWriter } from "../tree/tree-writer.ts";
import { Base } from "./base.ts";
import { Before } from "./before.ts";
import { RepositoryComponent } from "./component-writer.ts";
import type { Kept } from "./kept.ts";
import { OpenBackups } from "./open-backups.ts";
import { isSameTree, type StoredEntry } from "./same-tree.ts";
import { Threads } from "./threads.ts";

export interface BodyPlace {
  /** Of the vault. */
  readonly folder: string;
  readonly keys: VaultKeys;
  readonly cache: CachePlace;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

interface ComponentState {
  readonly name: string;
  readonly base: Base | undefined;
  readonly before: Before;
  readonly warnings: readonly string[];
  entries: StoredEntry[];
}

/** In the folder of a draft. */
export const SEALED_NAME = "sealed.backup";

interface Mark {
  readonly checksum: EntryChecksum;
}

/** A backup while it is built: contents go to packs at once; trees, which name them, when everything is stored. */
export class RepositoryBody implements DraftBody {
  readonly #request: NewBody;
  readonly #place: BodyPlace;
  readonly #backups: OpenBackups;
  readonly #threads: Threads;
  readonly #pageKey: Buffer;
  readonly #components: Map<string, ComponentState> = new Map();
  /** Asked about, and not stored yet. */
  readonly #prepared: Map<string, ComponentState> = new Map();
  readonly #packs: FinishedPack[] = [];
  #checksum: EntryChecksum = new EntryChecksum();
  #finished: { readonly packs: PackTable; readonly roots: Buffer } | undefined;

  constructor(request: NewBody, place: BodyPlace) {
    this.#request = request;
    this.#place = place;
    this.#backups = new OpenBackups(place);
    const { newest } = place.keys;
    this.#pageKey = purposeKey(newest.master, "page change");
    // An id may come again, in another vault or after a backup that was given up; threads live on.
    const store = { folder: place.folder, epochKey: newest, prefix: `${request.id}.${randomBytes(6).toString("hex")}` };
    // Of the first epoch: what is cut elsewhere after a rotation would be stored anew.
    this.#threads = new Threads(store, purposeKey(place.keys.epoch(1).master, "chunk boundaries"));
  }

  async store(request: Parameters<DraftBody["store"]>[0]): ReturnType<DraftBody["store"]> {
    const { component } = request;
    const state = this.#prepared.get(component) ?? this.#prepare(component);
    this.#prepared.delete(component);
    this.#components.set(component, state);
    const entries: EntryList<Kept, Mark> = {
      add: (entry, kept) => {
        this.#checksum.add(entry);
        state.entries.push({ entry, kept: kept ?? { kind: "none" } });
      },
      mark: () => ({ checksum: this.#checksum.copy() }),
      rewind: ({ checksum }) => {
        this.#checksum = checksum.copy();
        this.#components.delete(component);
      },
    };
    const body: Pick<Body<Kept>, "component"> = {
      component: (options) => new RepositoryComponent(options, this.#threads, state.before, this.#pageKey),
    };
    const stored = await storeReading(request, { body, entries, staging: this.#request.staging });
    const warnings = [...state.warnings, ...state.before.warnings];
    return warnings.length === 0 ? stored : { ...stored, warnings };
  }

  known(component: string): KnownState | undefined {
    const state = this.#prepared.get(component) ?? this.#prepare(component);
    this.#prepared.set(component, state);
    return state.base === undefined ? undefined : state.before;
  }

  #prepare(name: string): ComponentState {
    const { base, warnings } = Base.find(name, this.#request.backups, this.#backups.open);
    const cache = base === undefined ? undefined : readCache(this.#place.cache, name, base.backup.sha256);
    const before = new Before({ base, cache, now: this.#place.now, pageKey: this.#pageKey });
    return { name, base, before, warnings, entries: [] };
  }

  interrupt(): void {
    this.#threads.interrupt();
  }

  async finish(): Promise<{ readonly checksum: string; readonly storedBytes: number }> {
    this.#packs.push(...(await this.#threads.finishThreads()));
    crashpoint("repository-content-stored");
    const use = new PackUse();
    const roots = [...this.#components.values()].map((component) => this.#writeTree(component, use));
    this.#packs.push(...this.#threads.frames.finish());
    this.#finished = { packs: this.#table(use), roots: encodeRoots(roots) };
    return { checksum: this.#checksum.value(), storedBytes: this.#packs.reduce((sum, { length }) => sum + length, 0) };
  }

  #writeTree({ name, base, entries }: ComponentState, use: PackUse): ComponentRoot {
    const { frames } = this.#threads;
    const keeping: Keeping = {
      store: { put: (bytes) => counted(frames.put(bytes), use) },
      reuse: ({ place }) => base?.keeps(place.pack) === true && counted(place, use) === place,
    };
    if (base !== undefined && isSameTree(entries, base)) {
      for (const { place } of base.references) use.addMetadata(place);
      for (const { kept } of entries) {
        contentOf(kept, keeping, use);
        if (kept.kind === "chunks") for (const { place } of kept.blocks ?? []) use.addMetadata(place);
      }
      return { name, root: base.root };
    }
    const boundaryKey = purposeKey(this.#place.keys.epoch(1).master, "run boundaries");
    const tree = new TreeWriter({ ...keeping, boundaryKey, ...(base === undefined ? {} : { previous: base.index }) });
    for (const { entry, kept } of entries) tree.add({ entry, content: contentOf(kept, keeping, use) });
    return { name, root: tree.finish() };
  }

  /** Every pack that is named, and nothing else. Those of earlier backups must still be there as they were. */
  #table(use: PackUse): PackTable {
    const known = new Map<PackId, Omit<TableEntry, "used">>();
    for (const { base } of this.#components.values()) for (const entry of base?.packs.entries ?? []) known.set(entry.id, entry);
    for (const { id, name, length, rawData } of this.#packs) known.set(id, { id, name, length, raw: rawData });
    return PackTable.of(
      [...use.packs()].map(([id, { content }]) => {
        const entry = known.get(id);
        if (entry === undefined) throw new InternalError(`Pack ${id} is named, and nobody knows it`);
        return { ...entry, used: content };
      }),
    );
  }

  seal(manifest: Buffer): Promise<string> {
    if (this.#finished === undefined) throw new InternalError("A backup is sealed before it is finished");
    const { folder, keys, cache } = this.#place;
    const { packs, roots } = this.#finished;
    for (const pack of packs.entries) mustBeThere(folder, pack);
    const path = join(this.#request.folder, SEALED_NAME);
    writeBackupFile(path, keys.newest, { manifest, packs, roots });
    const sha256 = createHash("sha256").update(manifest).digest("hex");
    for (const { name, before } of this.#components.values()) writeCache(cache, name, before.cacheFor(sha256));
    return Promise.resolve(path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#backups[Symbol.dispose]();
    await this.#threads.dispose();
  }
}

function counted(place: Locator, use: PackUse): Locator {
  use.addMetadata(place);
  return place;
}

function contentOf(kept: Kept, keeping: Keeping, use: PackUse): TreeContent {
  if (kept.kind === "place") use.addContent(kept.place);
  if (kept.kind === "chunks") for (const { place } of kept.chunks) use.addContent(place);
  if (kept.kind !== "pages" && kept.kind !== "map") return kept;
  const { ref, resolved } = kept.kind === "map" ? kept.map : kept.writeMap(keeping);
  if (kept.kind === "map") for (const { place } of [...ref.blocks, ...ref.layers]) use.addMetadata(place);
  use.addPages(resolved);
  return { kind: "pages", map: ref };
}

/** Before a backup names a pack that it did not write. */
function mustBeThere(folder: string, { id, name, length }: TableEntry): void {
  const found = lstatAt(packPath(folder, name));
  if (found?.isFile() === true && Number(found.size) === length) return;
  throw new DamageError("VAULT_DAMAGED", `Pack "${name}" (${id}) of an earlier backup went away or changed while this one was taken`, {
    hint: "Take the backup again: what lay in it is then stored anew. Look at who changes the vault",
  });
}
