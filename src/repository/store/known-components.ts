import { DamageError } from "../../kernel/index.ts";
import type { NewBody } from "../../local-vault/index.ts";
import type { ComponentCache } from "../cache/component-cache.ts";
import { newFileBeside, readCache, scratchFile, sweepSideFiles, type CachePlace } from "../cache/cache-folder.ts";
import { SoundPacks } from "../cache/sound-packs.ts";
import { treeName } from "../tree/roots.ts";
import { Base } from "./base.ts";
import { Before } from "./before.ts";
import type { ComponentState } from "./component-state.ts";
import { NextCache } from "./next-cache.ts";
import { OpenBackups, type BackupsPlace } from "./open-backups.ts";

export interface KnownPlace extends Omit<BackupsPlace, "doubts" | "sound"> {
  readonly cache: CachePlace;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** 32 bytes, for the hashes of pages. */
  readonly pageKey: Uint8Array;
  /** A folder that goes with the backup. */
  readonly scratch: string;
  /** Told how long a database is that was touched: it will be read soon. Bytes. */
  readonly onTouched: (bytes: number) => void;
}

/** What is known of components from backups before, looked up when one is asked about and kept until it is stored. */
export class KnownComponents implements Disposable {
  readonly #place: KnownPlace;
  readonly #candidates: NewBody["backups"];
  readonly #backups: OpenBackups;
  readonly #asked: Map<string, ComponentState> = new Map();

  constructor({ backups, doubts }: Pick<NewBody, "backups" | "doubts">, place: KnownPlace) {
    this.#place = place;
    this.#candidates = backups;
    this.#backups = new OpenBackups({ ...place, doubts, sound: new SoundPacks(place.cache, place.folder, place.now) });
  }

  ask(component: string): ComponentState {
    const state = this.#asked.get(component) ?? this.#find(component);
    this.#asked.set(component, state);
    return state;
  }

  /** For storing; may be asked about again afterwards, for another attempt. */
  take(component: string): ComponentState {
    const state = this.ask(component);
    this.#asked.delete(component);
    return state;
  }

  /** One whose tree can be read: a damaged one keeps no new one from being stored. */
  readable(state: ComponentState, damaged: ReadonlyMap<string, DamageError> = new Map()): ComponentState {
    try {
      state.base?.checkTree();
      return state;
    } catch (error) {
      if (!(error instanceof DamageError) || state.base === undefined) throw error;
      const { backup } = state.base;
      if (backup === undefined) return { ...state, base: undefined, before: state.before.withoutBase() };
      const all = new Map([...damaged, [backup.id, error] as const]);
      return this.readable(this.#find(state.name, all, state.before.next), all);
    }
  }

  /** @param given what the reading that is under way has begun to write for the next backup */
  #find(name: string, damaged?: ReadonlyMap<string, DamageError>, given?: NextCache): ComponentState {
    const { base: newest, warnings } = Base.find(name, this.#candidates, this.#backups.open, damaged);
    const base = newest ?? Base.ofCheckpoint(name, this.#backups.checkpoint());
    // What was told of one that turned out to be damaged is not true of another.
    const { cache: place, now, pageKey, onTouched, scratch } = this.#place;
    const cache = base === undefined || damaged !== undefined ? undefined : readCache(place, name, treeName(base.root));
    const next = given ?? this.#next(name, cache);
    return {
      name,
      base,
      before: new Before({ base, cache, next, now, pageKey, onTouched, newScratch: () => scratchFile(place, scratch) }),
      warnings,
      tree: undefined,
      partly: undefined,
      memory: undefined,
    };
  }

  #next(name: string, cache: ComponentCache | undefined): NextCache {
    const { now, cache: place } = this.#place;
    let isSwept = false;
    return new NextCache(now, () => {
      // What a backup that was killed has left takes room where this one needs it.
      if (!isSwept) sweepSideFiles(place, name, cache);
      isSwept = true;
      return newFileBeside(place, name);
    });
  }

  [Symbol.dispose](): void {
    this.#backups[Symbol.dispose]();
  }
}
