import { goodFor } from "../../vault/index.ts";
import type { FoundBackup } from "../../local-vault/index.ts";
import { lstatAt } from "../../kernel/index.ts";
import type { VaultKeys } from "../keys/epoch-key.ts";
import { readBackupFile } from "../manifest/backup-file.ts";
import type { TableEntry } from "../manifest/pack-table.ts";
import { FrameCache } from "../pack/frame-cache.ts";
import type { PackId } from "../pack/locator.ts";
import { packPath } from "../pack/pack-place.ts";
import { resolvePageMap, type PageMap } from "../tree/page-map.ts";
import type { ReferenceIndex } from "../tree/reference-index.ts";
import { decodeRoots, type TreeRoot } from "../tree/roots.ts";
import type { PageMapRef, TreeEntry } from "../tree/tree-entry.ts";
import { indexTree, readEntries } from "../tree/tree-reader.ts";

/** Of a pack of which a backup uses less than this part, what is used is stored anew, so that the pack can go. */
const TIRED = 0.4;
/** How much may be stored anew for that in one backup, as a part of what the backup before uses. */
const REBASE_BUDGET = 0.1;
const CACHE_BYTES = 32 * 1024 * 1024;

export interface BasePlace {
  /** Of the vault. */
  readonly folder: string;
  readonly keys: VaultKeys;
}

/** The newest backup that is good for a component: what has not changed since is named where it lies. */
export class Base implements Disposable {
  readonly backup: FoundBackup;
  readonly packs: ReadonlyMap<PackId, TableEntry>;
  readonly entries: ReadonlyMap<string, TreeEntry>;
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
    this.index = indexTree({ get: (place) => frames.get(place) }, root);
  }

  /** undefined when there is none. */
  static of(component: string, backups: readonly FoundBackup[], place: BasePlace): Base | undefined {
    const good = backups.filter(({ manifest }) => goodFor(manifest, component));
    const newest = good.toSorted((one, other) => other.manifest.sequence - one.manifest.sequence)[0];
    if (newest === undefined) return undefined;
    const { packs, roots } = readBackupFile(newest.path, place.keys, ["packs", "roots"]);
    const root = decodeRoots(roots).find(({ name }) => name === component)?.root;
    if (root === undefined) return undefined;
    const frames = new FrameCache({ ...place, packs, budget: CACHE_BYTES });
    try {
      const table = new Map(packs.entries.map((entry) => [entry.id, entry]));
      return new Base(newest, table, frames, root, keptPacks(packs.entries, place.folder));
    } catch (error) {
      frames.close();
      throw error;
    }
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

/** The packs that are there as they were stored, but for the tired ones that this backup relieves. */
function keptPacks(entries: readonly TableEntry[], folder: string): ReadonlySet<PackId> {
  const whole = entries.filter(({ name, length }) => Number(lstatAt(packPath(folder, name))?.size ?? -1) === length);
  const kept = new Set(whole.map(({ id }) => id));
  let budget = REBASE_BUDGET * entries.reduce((sum, { used }) => sum + used, 0);
  const tired = whole.filter(({ raw, used }) => used < TIRED * raw).toSorted((one, other) => one.used / one.raw - other.used / other.raw);
  for (const { id, used } of tired) {
    if (used > budget) continue;
    budget -= used;
    kept.delete(id);
  }
  return kept;
}
