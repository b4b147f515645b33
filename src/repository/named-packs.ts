import type { TrashedBackup } from "../local-vault/index.ts";
import type { VaultKeys } from "./keys/epoch-key.ts";
import { scanPacksOf } from "./manifest/backup-file.ts";
import { PackNumbers } from "./manifest/pack-numbers.ts";

/** Whose table is at a path; as long as it is the same manifest, it is the same table. */
type NamingBackup = Pick<TrashedBackup, "path" | "manifest">;

/**
 * Which packs backups name. A prune asks several times, about a thousand backups that name nearly the same hundred packs:
 * a table is opened once, a pack is a number, whose name is made when it is asked for, and no table is opened once every pack is named. Where
 * there is a pack that none names, all of them are.
 */
export class NamedPacks {
  readonly #keys: VaultKeys;
  /** By what was read with it: a manifest that is recalled comes from the same file, one that was read anew does not. */
  readonly #tables: WeakMap<NamingBackup["manifest"], Uint32Array> = new WeakMap();
  readonly #packs: PackNumbers = new PackNumbers();

  constructor(keys: VaultKeys) {
    this.#keys = keys;
  }

  /** Those of the packs that none of the backups names. @throws DamageError MANIFEST_INVALID · ConfigError KEY_WRONG */
  unnamedOf(packs: Iterable<string>, backups: readonly NamingBackup[]): ReadonlySet<string> {
    const unnamed = new Set(packs);
    this.#strike(unnamed, backups);
    return unnamed;
  }

  /** Bytes of those of the packs that only the backups that go name. @throws DamageError MANIFEST_INVALID · ConfigError KEY_WRONG */
  freedBy(packs: Iterable<string>, going: readonly NamingBackup[], staying: readonly NamingBackup[]): number {
    const left = new Set(packs);
    this.#strike(left, staying);
    return this.#strike(left, going);
  }

  /** Takes what the backups name from the names of packs; how many bytes that is. Looks no further when none is left. */
  #strike(left: Set<string>, backups: readonly NamingBackup[]): number {
    const seen: boolean[] = [];
    let bytes = 0;
    for (const backup of farApart(backups)) {
      if (left.size === 0) break;
      for (const number of this.#tableOf(backup)) {
        if (seen[number] === true) continue;
        seen[number] = true;
        if (left.delete(this.#packs.nameOf(number))) bytes += this.#packs.lengthOf(number);
      }
    }
    return bytes;
  }

  #tableOf({ path, manifest }: NamingBackup): Uint32Array {
    const known = this.#tables.get(manifest);
    if (known !== undefined) return known;
    const numbers: number[] = [];
    scanPacksOf(path, this.#keys, (bytes, at, length) => void numbers.push(this.#packs.numberOf(bytes, at, length)));
    const table = Uint32Array.from(numbers);
    this.#tables.set(manifest, table);
    return table;
  }
}

/** All of them: the two at the ends, the one in the middle, those at the quarters, and so on. What lies side by side is nearly the same. */
function* farApart<T>(items: readonly T[]): Generator<T> {
  const given = new Set<number>();
  for (let parts = 1; given.size < items.length; parts *= 2) {
    for (let part = 0; part <= parts; part += 1) {
      const index = Math.round(((items.length - 1) * part) / parts);
      if (given.has(index)) continue;
      given.add(index);
      yield items[index] as T;
    }
  }
}
