import { DamageError } from "../../kernel/index.ts";
import type { NewBody } from "../../local-vault/index.ts";
import type { ComponentCache } from "../cache/component-cache.ts";
import { newSideFile, readCache, sweepSideFiles, type CachePlace } from "../cache/cache-folder.ts";
import type { SideFile } from "../cache/side-file.ts";
import { treeName } from "../tree/roots.ts";
import { Base } from "./base.ts";
import { Before } from "./before.ts";
import type { ComponentState } from "./component-state.ts";
import { NextCache } from "./next-cache.ts";
import { OpenBackups, type BackupsPlace } from "./open-backups.ts";

export interface KnownPlace extends Omit<BackupsPlace, "doubts"> {
  readonly cache: CachePlace;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** 32 bytes, for the hashes of pages. */
  readonly pageKey: Uint8Array;
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
    this.#backups = new OpenBackups({ ...place, doubts });
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
      if (backup === undefined) return { ...state, base: undefined, before: this.#before(state.name, undefined, undefined) };
      const all = new Map([...damaged, [backup.id, error] as const]);
      return this.readable(this.#find(state.name, all), all);
    }
  }

  #find(name: string, damaged?: ReadonlyMap<string, DamageError>): ComponentState {
    const { base: newest, warnings } = Base.find(name, this.#candidates, this.#backups.open, damaged);
    const base = newest ?? Base.ofCheckpoint(name, this.#backups.checkpoint());
    // What was told of one that turned out to be damaged is not true of another.
    const cache = base === undefined || damaged !== undefined ? undefined : readCache(this.#place.cache, name, treeName(base.root));
    return {
      name,
      base,
      before: this.#before(name, base, cache),
      warnings,
      tree: undefined,
      partly: undefined,
      memory: undefined,
    };
  }

  #before(name: string, base: Base | undefined, cache: ComponentCache | undefined): Before {
    const { now, pageKey, onTouched, cache: place } = this.#place;
    let isSwept = false;
    const newFile = (): SideFile | undefined => {
      // Of a component that fails at every attempt there is what one of them left, and not what each did.
      if (!isSwept) sweepSideFiles(place, name, cache);
      isSwept = true;
      return newSideFile(place, name);
    };
    return new Before({ base, cache, next: new NextCache(now, newFile), now, pageKey, onTouched });
  }

  [Symbol.dispose](): void {
    this.#backups[Symbol.dispose]();
  }
}
