import { systemClock, type Clock } from "../kernel/index.ts";
import { ArchiveVault } from "./archive-vault.ts";
import { openIdentity, type InstanceName } from "./identity.ts";
import { layoutOf } from "./layout.ts";
import type { ListingCache } from "./listing-cache.ts";

export interface OpenArchiveVaultOptions {
  /** Absolute folder of the vault. */
  readonly path: string;
  readonly instance: InstanceName;
  /** New backups become .tar.gz files; otherwise folders. Both are read. */
  readonly compression: boolean;
  /** Make the vault when nothing is there. */
  readonly create: boolean;
  readonly clock?: Clock;
  /** For list(): one for each vault, kept by a process that lives long and only looks. */
  readonly listings?: ListingCache;
  /** statfs(2); tests say what it answers. */
  readonly statfs?: (path: string) => { type: number };
}

/**
 * @throws NotFoundError BACKUP_NOT_FOUND when no vault is there · ConflictError VAULT_FOREIGN · DamageError VAULT_DAMAGED ·
 * HostError FILE_SYSTEM_UNSUPPORTED, VERSION_UNSUPPORTED
 */
export async function openArchiveVault(options: OpenArchiveVaultOptions): Promise<ArchiveVault> {
  const clock = options.clock ?? systemClock;
  const { path, instance, create, statfs, compression, listings } = options;
  const identity = await openIdentity(layoutOf(path), instance, { create, clock, ...(statfs === undefined ? {} : { statfs }) });
  return new ArchiveVault(path, identity, { compression, clock, ...(listings === undefined ? {} : { listings }) });
}
