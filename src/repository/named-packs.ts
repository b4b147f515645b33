import type { FoundBackup } from "../local-vault/index.ts";
import type { VaultKeys } from "./keys/epoch-key.ts";
import { scanPacksOf, type SealedTable } from "./manifest/backup-file.ts";
import { PackNumbers } from "./manifest/pack-numbers.ts";
import type { PackScan } from "./manifest/pack-table.ts";

/** So much of what was read with the manifests is kept for when it is asked for. Bytes. */
const KEPT_BYTES = 16 * 1024 * 1024;

/**
 * Which packs backups name. A prune asks several times, about a thousand backups that name nearly the same hundred packs:
 * each table is opened once, and a pack is a number, whose name is made when it is asked for.
 */
export class NamedPacks {
  readonly #keys: VaultKeys;
  /** By path: read with the manifest, and not asked for yet. */
  readonly #sealed: Map<string, SealedTable> = new Map();
  #sealedBytes = 0;
  /** By what was read with it: a manifest that is recalled comes from the same file, one that was read anew does not. */
  readonly #tables: WeakMap<FoundBackup["manifest"], Uint32Array> = new WeakMap();
  readonly #packs: PackNumbers = new PackNumbers();

  constructor(keys: VaultKeys) {
    this.#keys = keys;
  }

  /** Takes what was read of a path just now, in place of what was read of it before. */
  keep(path: string, table: SealedTable): void {
    this.#take(path);
    if (this.#sealedBytes + table.bytes > KEPT_BYTES) return;
    this.#sealed.set(path, table);
    this.#sealedBytes += table.bytes;
  }

  /** Names of all that these backups name. @throws DamageError MANIFEST_INVALID · ConfigError KEY_WRONG */
  namesOf(backups: readonly FoundBackup[]): ReadonlySet<string> {
    const named = this.#namedBy(backups);
    const names = new Set<string>();
    for (const [number, isNamed] of named.entries()) if (isNamed === 1) names.add(this.#packs.nameOf(number));
    return names;
  }

  /** Bytes of the packs that only the backups that go name. @throws DamageError MANIFEST_INVALID · ConfigError KEY_WRONG */
  freedBy(going: readonly FoundBackup[], staying: readonly FoundBackup[]): number {
    const [gone, stays] = [this.#namedBy(going), this.#namedBy(staying)];
    return gone.reduce((sum, isGone, number) => sum + (isGone === 1 && stays[number] !== 1 ? this.#packs.lengthOf(number) : 0), 0);
  }

  /** By number: 1 where one of them names the pack. */
  #namedBy(backups: readonly FoundBackup[]): Uint8Array {
    const tables = backups.map((backup) => this.#tableOf(backup));
    const named = new Uint8Array(this.#packs.count);
    for (const table of tables) for (const number of table) named[number] = 1;
    return named;
  }

  #tableOf({ path, manifest }: FoundBackup): Uint32Array {
    const known = this.#tables.get(manifest);
    if (known !== undefined) return known;
    const numbers: number[] = [];
    const visit: PackScan = (bytes, at, length) => void numbers.push(this.#packs.numberOf(bytes, at, length));
    const sealed = this.#take(path);
    if (sealed === undefined) scanPacksOf(path, this.#keys, visit);
    else sealed.scan(visit);
    const table = Uint32Array.from(numbers);
    this.#tables.set(manifest, table);
    return table;
  }

  #take(path: string): SealedTable | undefined {
    const sealed = this.#sealed.get(path);
    this.#sealed.delete(path);
    this.#sealedBytes -= sealed?.bytes ?? 0;
    return sealed;
  }
}
