import { DamageError, InternalError } from "../../kernel/index.ts";
import type { ReadBackParts } from "../../local-vault/index.ts";
import type { BackupId, PackVerdict, ProvedBackup, ReadBack, ReadBackOptions, SharedPack } from "../../vault/index.ts";
import type { VaultKeys } from "../keys/epoch-key.ts";
import { livePacks, type LivePack } from "./live-packs.ts";
import { provePacks } from "./prove-packs.ts";
import { ProvedBefore } from "./proved-before.ts";
import { epochsOf, RepositoryReader } from "./repository-reader.ts";

/** Reads a vault of packs back, by the tables of the backups that are listed when it begins. */
export class RepositoryReadBack implements ReadBack {
  readonly warning: string | null;
  readonly #folder: string;
  readonly #keys: VaultKeys;
  readonly #parts: ReadBackParts;
  readonly #packs: ReadonlyMap<string, LivePack>;
  readonly #kept: ReadonlyMap<string, PackVerdict>;
  readonly #before: ProvedBefore;
  /** What was written down already. */
  #written = 0;
  #open = true;

  /** @param folder of the vault */
  constructor(folder: string, keys: VaultKeys, parts: ReadBackParts) {
    this.#folder = folder;
    this.#keys = keys;
    this.#parts = parts;
    this.#packs = livePacks(keys, parts.backups);
    const { verdicts, problem } = parts.verdicts.read();
    this.#kept = verdicts;
    this.warning = problem;
    this.#before = new ProvedBefore(parts.now);
  }

  packs(): readonly SharedPack[] {
    return [...this.#packs].map(([name, { entry, backups }]) => ({
      name,
      bytes: entry.length,
      verdict: this.#before.packs.get(name) ?? this.#kept.get(name) ?? null,
      backups,
    }));
  }

  async readPacks(names: readonly string[], options: ReadBackOptions = {}): Promise<void> {
    this.#mustBeOpen();
    const entries = names.flatMap((name) => this.#packs.get(name)?.entry ?? []);
    await provePacks({ folder: this.#folder, epochs: epochsOf(this.#keys) }, entries, this.#before, options);
  }

  async proveBackup(
    id: BackupId,
    { remember = false, ...options }: ReadBackOptions & { readonly remember?: boolean } = {},
  ): Promise<ProvedBackup> {
    this.#mustBeOpen();
    this.#before.remember = remember;
    const { head, path } = this.#parts.find(id);
    await using reader = new RepositoryReader(this.#folder, path, this.#keys, { head, foreign: false, release: () => {} });
    try {
      return await reader.prove(options, this.#before);
    } catch (error) {
      // Its trees may be what is damaged, before any pack was looked at: other backups have those packs as well.
      if (error instanceof DamageError) await this.readPacks(this.#unreadOf(id), options);
      throw error;
    }
  }

  async keep(): Promise<void> {
    const found = this.#before.packs;
    if (found.size === this.#written) return;
    const gone = new Set([...this.#kept.keys()].filter((name) => !this.#packs.has(name)));
    await this.#parts.verdicts.keep(found, gone);
    this.#written = found.size;
  }

  [Symbol.asyncDispose](): Promise<void> {
    if (this.#open) this.#parts.release();
    this.#open = false;
    return Promise.resolve();
  }

  #unreadOf(id: BackupId): readonly string[] {
    return [...this.#packs].flatMap(([name, { backups }]) => (backups.includes(id) && !this.#before.packs.has(name) ? [name] : []));
  }

  #mustBeOpen(): void {
    if (!this.#open) throw new InternalError("A vault is read back after that was closed");
  }
}
