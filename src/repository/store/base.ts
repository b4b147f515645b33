import { goodFor } from "../../vault/index.ts";
import type { FoundBackup } from "../../local-vault/index.ts";
import { DamageError, lstatAt } from "../../kernel/index.ts";
import type { VaultKeys } from "../keys/epoch-key.ts";
import { readBackupFile } from "../manifest/backup-file.ts";
import type { TableEntry } from "../manifest/pack-table.ts";
import { FrameCache } from "../pack/frame-cache.ts";
import type { PackId } from "../pack/locator.ts";
import { packPath } from "../pack/pack-place.ts";
import { resolvePageMap, type PageMap } from "../tree/page-map.ts";
import { ReferenceIndex } from "../tree/reference-index.ts";
import type { Reference } from "../tree/reference.ts";
import { decodeRoots, type TreeRoot } from "../tree/roots.ts";
import type { PageMapRef, TreeEntry } from "../tree/tree-entry.ts";
import { readEntries, treeReferences } from "../tree/tree-reader.ts";

/** Of a pack of which a backup uses less than this part, what is used is stored anew, so that the pack can go. */
const TIRED = 0.4;
/** How much may be stored anew for that in one backup, as a part of what the backup before uses. */
const REBASE_BUDGET = 0.1;
/** Packs shorter than this are small. Bytes. */
const SMALL_PACK = 4 * 1024 * 1024;
/** So many small packs become one. */
const MANY_SMALL = 16;
const CACHE_BYTES = 32 * 1024 * 1024;

export interface BasePlace {
  /** Of the vault. */
  readonly folder: string;
  readonly keys: VaultKeys;
}

export interface FoundBase {
  /** undefined when there is none. */
  readonly base: Base | undefined;
  /** For people, about what the backup now does not rely on. */
  readonly warnings: readonly string[];
}

/** The newest backup that is good for a component: what has not changed since is named where it lies. */
export class Base implements Disposable {
  readonly backup: FoundBackup;
  readonly packs: ReadonlyMap<PackId, TableEntry>;
  readonly entries: ReadonlyMap<string, TreeEntry>;
  readonly root: TreeRoot;
  /** Of the runs, and of the blocks that name them. */
  readonly references: readonly Reference[];
  readonly index: ReferenceIndex;
  readonly #frames: FrameCache;
  readonly #kept: ReadonlySet<PackId>;

  private constructor(
    backup: FoundBackup,
    packs: ReadonlyMap<PackId, TableEntry>,
    frames: FrameCache,
    root: TreeRoot,
    kept: ReadonlySet<PackId>,
  ) {
    this.backup = backup;
    this.packs = packs;
    this.#frames = frames;
    this.#kept = kept;
    this.entries = new Map([...readEntries({ get: (place) => frames.get(place) }, root)].map((entry) => [entry.entry.path, entry]));
    this.root = root;
    this.references = treeReferences({ get: (place) => frames.get(place) }, root);
    this.index = new ReferenceIndex(this.references);
  }

  private static read(backup: FoundBackup, component: string, place: BasePlace): Base | undefined {
    const { packs, roots } = readBackupFile(backup.path, place.keys, ["packs", "roots"]);
    const root = decodeRoots(roots).find(({ name }) => name === component)?.root;
    if (root === undefined) return undefined;
    const frames = new FrameCache({ ...place, packs, budget: CACHE_BYTES });
    try {
      const table = new Map(packs.entries.map((entry) => [entry.id, entry]));
      return new Base(backup, table, frames, root, keptPacks(packs.entries, place.folder));
    } catch (error) {
      frames.close();
      throw error;
    }
  }

  /**
   * The newest that can be read. One whose trees are damaged keeps no new backup from being taken: that compares with an
   * older one, or stores everything anew, and is told.
   */
  static find(component: string, backups: readonly FoundBackup[], place: BasePlace): FoundBase {
    const warnings: string[] = [];
    const good = backups.filter(({ manifest }) => goodFor(manifest, component));
    for (const backup of good.toSorted(newestFirst)) {
      try {
        return { base: Base.read(backup, component, place), warnings };
      } catch (error) {
        if (!(error instanceof DamageError)) throw error;
        warnings.push(`Backup "${backup.id}" could not be compared with, and is damaged: ${error.message}`);
      }
    }
    return { base: undefined, warnings };
  }

  /** Whether what lies in a pack may be named again where it lies. */
  keeps(pack: PackId): boolean {
    return this.#kept.has(pack);
  }

  pageMap(ref: PageMapRef): PageMap {
    return { ref, resolved: resolvePageMap({ get: (place) => this.#frames.get(place) }, ref) };
  }

  read(place: { readonly pack: PackId; readonly frame: number; readonly offset: number; readonly length: number }): Uint8Array {
    return this.#frames.get(place);
  }

  [Symbol.dispose](): void {
    this.#frames.close();
  }
}

/** One that was imported came last and is older than it looks: it is compared with when there is no other. */
function newestFirst({ manifest: one }: FoundBackup, { manifest: other }: FoundBackup): number {
  const imported = Number(one.imported_from !== undefined) - Number(other.imported_from !== undefined);
  return imported === 0 ? other.sequence - one.sequence : imported;
}

/** The packs that are there as they were stored, but for those that this backup relieves: tired ones, and small ones when they are many. */
function keptPacks(entries: readonly TableEntry[], folder: string): ReadonlySet<PackId> {
  const whole = entries.filter(({ name, length }) => Number(lstatAt(packPath(folder, name))?.size ?? -1) === length);
  const kept = new Set(whole.map(({ id }) => id));
  let budget = REBASE_BUDGET * entries.reduce((sum, { used }) => sum + used, 0);
  const small = whole.filter(({ length }) => length < SMALL_PACK);
  const merged = small.length < MANY_SMALL ? [] : small;
  const tired = whole.filter(({ raw, used }) => used < TIRED * raw).toSorted((one, other) => one.used / one.raw - other.used / other.raw);
  for (const { id, used } of [...merged, ...tired]) {
    if (!kept.has(id)) continue;
    if (used > budget) continue;
    budget -= used;
    kept.delete(id);
  }
  return kept;
}
