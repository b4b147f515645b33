import { DamageError, freeBuffer } from "../../kernel/index.ts";
import type { Doubts, FoundBackup } from "../../local-vault/index.ts";
import type { VaultKeys } from "../keys/epoch-key.ts";
import type { SoundPacks } from "../cache/sound-packs.ts";
import { readCheckpoint } from "../checkpoint/checkpoint-file.ts";
import { readBackupFile } from "../manifest/backup-file.ts";
import type { PackTable, TableEntry } from "../manifest/pack-table.ts";
import { openPack } from "../pack/pack-reader.ts";
import { FrameCache } from "../pack/frame-cache.ts";
import type { PackId } from "../pack/locator.ts";
import { seePack } from "../pack/pack-place.ts";
import type { PackSizes } from "../pack/pack-sizes.ts";
import { DAMAGE_HINT } from "../pack/seal.ts";
import { decodeRoots, type ComponentRoot } from "../tree/roots.ts";

/** Of a pack of which a backup uses less than this part, what is used is stored anew, so that the pack can go. */
const TIRED = 0.4;
/** How much may be stored anew for that in one backup, as a part of what the backup before uses. */
const REBASE_BUDGET = 0.1;
/** So many small packs become one. */
const MANY_SMALL = 16;
const CACHE_BYTES = 12 * 1024 * 1024;
/** Of frames that are gone through in order. */
const PASSING_BYTES = 4 * 1024 * 1024;

export interface BackupsPlace {
  /** Of the vault. */
  readonly folder: string;
  readonly keys: VaultKeys;
  readonly sizes: PackSizes;
  readonly doubts: Doubts;
  readonly sound: SoundPacks;
}

/** A backup that components are compared with, as far as it is the same for all of them. */
export interface OpenBackup {
  /** undefined for a checkpoint of one that was not finished. */
  readonly backup: FoundBackup | undefined;
  readonly packs: PackTable;
  readonly roots: readonly ComponentRoot[];
  readonly frames: FrameCache;
  /** For who goes through contents in order, and is done with the bytes of one place before the next. */
  newFrames(): FrameCache;
  /** Packs in which what lies may be named again where it lies. */
  readonly kept: ReadonlySet<PackId>;
  /** Whether all its metadata can be read: without that no tree may be named that nobody has looked into. */
  hasSoundTrees(): boolean;
}

/** The backups that a draft is compared with; for most drafts one, whatever the number of components. */
export class OpenBackups implements Disposable {
  readonly #place: BackupsPlace;
  readonly #open: Map<string, OpenBackup> = new Map();
  #damaged: ReadonlySet<string> | undefined;
  #checkpoint: { readonly opened: OpenBackup | undefined } | undefined;

  constructor(place: BackupsPlace) {
    this.#place = place;
  }

  /** @throws DamageError also when it was found not to read back although all its packs are whole: then any of it may be wrong */
  readonly open = (backup: FoundBackup): OpenBackup => {
    const known = this.#open.get(backup.id);
    if (known !== undefined) return known;
    const { folder, keys, sizes, doubts } = this.#place;
    const { packs, roots } = readBackupFile(backup.path, keys, ["packs", "roots"]);
    const damaged = (this.#damaged ??= doubts.packs());
    const doubt = doubts.about(backup);
    if (doubt !== undefined && !packs.entries.some(({ name }) => damaged.has(name)))
      throw new DamageError("BACKUP_DAMAGED", `It was read back, and ${doubt}`, { hint: DAMAGE_HINT });
    const opened: OpenBackup = {
      backup,
      packs,
      roots: decodeRoots(roots),
      kept: keptPacks(
        packs.entries.filter(({ name }) => !damaged.has(name)),
        folder,
        sizes,
      ),
      ...this.#readersOf(packs),
      hasSoundTrees: once(() => this.#isMetadataSound(packs, damaged)),
    };
    this.#open.set(backup.id, opened);
    return opened;
  };

  /** What a backup that was not finished had stored; undefined when there is none, or it cannot be read. */
  checkpoint(): OpenBackup | undefined {
    this.#checkpoint ??= { opened: this.#openCheckpoint() };
    return this.#checkpoint.opened;
  }

  #openCheckpoint(): OpenBackup | undefined {
    const { folder, keys, doubts } = this.#place;
    const found = readCheckpoint(folder, keys);
    if (found === undefined) return undefined;
    const damaged = (this.#damaged ??= doubts.packs());
    const sound = found.packs.entries.filter(({ name }) => !damaged.has(name));
    const kept = new Set(wholePacks(sound, folder).map(({ id }) => id));
    return {
      backup: undefined,
      ...found,
      kept,
      hasSoundTrees: () => false,
      ...this.#readersOf(found.packs),
    };
  }

  #readersOf(packs: PackTable): Pick<OpenBackup, "frames" | "newFrames"> {
    const { folder, keys } = this.#place;
    const reader = (budget: number): FrameCache => new FrameCache({ folder, keys, packs, budget, frees: true });
    return { frames: reader(CACHE_BYTES), newFrames: () => reader(PASSING_BYTES) };
  }

  /** Opens every frame of metadata. One that is damaged is met again, and told, by whoever needs what is in it. */
  #isMetadataSound(packs: PackTable, damaged: ReadonlySet<string>): boolean {
    const { folder, keys, sound } = this.#place;
    try {
      for (const place of packs.entries) {
        const read = (): void => readMetadata(folder, place, keys);
        if (damaged.has(place.name)) read();
        else sound.see(place, read);
      }
      sound.save();
      return true;
    } catch (error) {
      if (error instanceof DamageError) return false;
      throw error;
    }
  }

  [Symbol.dispose](): void {
    for (const { frames } of this.#open.values()) frames.close();
    this.#checkpoint?.opened?.frames.close();
  }
}

function once(ask: () => boolean): () => boolean {
  let answer: boolean | undefined;
  return () => (answer ??= ask());
}

function readMetadata(folder: string, place: TableEntry, keys: VaultKeys): void {
  using reader = openPack(folder, place, keys);
  for (const [ordinal, { kind }] of reader.frames.entries()) if (kind === "meta") freeBuffer(reader.readFrame(ordinal));
}

function wholePacks(entries: readonly TableEntry[], folder: string): readonly TableEntry[] {
  return entries.filter((pack) => seePack(folder, pack) === "there");
}

/** The packs that are there as they were stored, and not known to be damaged, but for those that this backup relieves: tired ones, and small ones when they are many. */
function keptPacks(entries: readonly TableEntry[], folder: string, sizes: PackSizes): ReadonlySet<PackId> {
  const whole = wholePacks(entries, folder);
  const kept = new Set(whole.map(({ id }) => id));
  let budget = REBASE_BUDGET * entries.reduce((sum, { used }) => sum + used, 0);
  const small = whole.filter(({ length }) => length < sizes.small);
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
