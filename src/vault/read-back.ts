import type { BackupId } from "./backup-id.ts";
import type { ProvedBackup } from "./vault.ts";

/** When a pack was last read back whole, and what was found. */
export interface PackVerdict {
  /** ISO 8601, UTC. */
  readonly at: string;
  /** null: its bytes are those that it is named after. */
  readonly problem: string | null;
}

/** What listed backups share. */
export interface SharedPack {
  readonly name: string;
  /** Of the file. */
  readonly bytes: number;
  /** Of this run or an earlier one; null when it was never read back. */
  readonly verdict: PackVerdict | null;
  /** Every listed backup that names it. */
  readonly backups: readonly BackupId[];
}

export interface ReadBackOptions {
  readonly signal?: AbortSignal;
  readonly onBytes?: (bytes: number) => void;
}

/**
 * One run of reading back a vault whose backups share packs: each pack is read through once in it, however many backups name
 * it. Holds the vault's shared lock until it is closed.
 */
export interface ReadBack extends AsyncDisposable {
  /** Why verdicts of earlier runs are not known; null when they are. */
  readonly warning: string | null;
  packs(): readonly SharedPack[];
  /** Reads packs back whole, and opens every frame. Damage is a verdict; what keeps one from reading throws. */
  readPacks(names: readonly string[], options?: ReadBackOptions): Promise<void>;
  /**
   * As BackupReader.prove(); what was read back in this run is not read again.
   *
   * @param options remember: more backups follow, which share contents with this one
   * @throws DamageError
   */
  proveBackup(id: BackupId, options?: ReadBackOptions & { readonly remember?: boolean }): Promise<ProvedBackup>;
  /** Writes down the verdicts of this run, and forgets those of packs that no backup names any more. */
  keep(): Promise<void>;
}
