import { lstatAt } from "../../kernel/index.ts";
import type { FoundBackup } from "../../local-vault/index.ts";
import type { VaultKeys } from "../keys/epoch-key.ts";
import { readBackupFile } from "../manifest/backup-file.ts";
import type { PackTable, TableEntry } from "../manifest/pack-table.ts";
import { FrameCache } from "../pack/frame-cache.ts";
import type { PackId } from "../pack/locator.ts";
import { packPath } from "../pack/pack-place.ts";
import { decodeRoots, type ComponentRoot } from "../tree/roots.ts";

/** Of a pack of which a backup uses less than this part, what is used is stored anew, so that the pack can go. */
const TIRED = 0.4;
/** How much may be stored anew for that in one backup, as a part of what the backup before uses. */
const REBASE_BUDGET = 0.1;
/** Packs shorter than this are small. Bytes. */
const SMALL_PACK = 4 * 1024 * 1024;
/** So many small packs become one. */
const MANY_SMALL = 16;
const CACHE_BYTES = 32 * 1024 * 1024;

export interface BackupsPlace {
  /** Of the vault. */
  readonly folder: string;
  readonly keys: VaultKeys;
}

/** A backup that components are compared with, as far as it is the same for all of them. */
export interface OpenBackup {
  readonly backup: FoundBackup;
  readonly packs: PackTable;
  readonly roots: readonly ComponentRoot[];
  readonly frames: FrameCache;
  /** Packs in which what lies may be named again where it lies. */
  readonly kept: ReadonlySet<PackId>;
}

/** The backups that a draft is compared with; for most drafts one, whatever the number of components. */
export class OpenBackups implements Disposable {
  readonly #place: BackupsPlace;
  readonly #open: Map<string, OpenBackup> = new Map();

  constructor(place: BackupsPlace) {
    this.#place = place;
  }

  /** @throws DamageError */
  readonly open = (backup: FoundBackup): OpenBackup => {
    const known = this.#open.get(backup.id);
    if (known !== undefined) return known;
    const { folder, keys } = this.#place;
    const { packs, roots } = readBackupFile(backup.path, keys, ["packs", "roots"]);
    const opened: OpenBackup = {
      backup,
      packs,
      roots: decodeRoots(roots),
      kept: keptPacks(packs.entries, folder),
      frames: new FrameCache({ folder, keys, packs, budget: CACHE_BYTES }),
    };
    this.#open.set(backup.id, opened);
    return opened;
  };

  [Symbol.dispose](): void {
    for (const { frames } of this.#open.values()) frames.close();
  }
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
