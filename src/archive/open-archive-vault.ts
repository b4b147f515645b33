import { systemClock, type Clock } from "../kernel/index.ts";
import { layoutOf, LocalVault, openIdentity, type InstanceName, type ListingCache } from "../local-vault/index.ts";
import { ARCHIVE_FORMS, archiveForm } from "./archive-form.ts";

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
 * ConflictError VAULT_OTHER_FORM · HostError FILE_SYSTEM_UNSUPPORTED, VERSION_UNSUPPORTED
 */
export async function openArchiveVault(options: OpenArchiveVaultOptions): Promise<LocalVault> {
  const clock = options.clock ?? systemClock;
  const { path, instance, create, statfs, compression, listings } = options;
  const identity = await openIdentity(layoutOf(path, ARCHIVE_FORMS), instance, {
    form: "archive",
    create,
    clock,
    ...(statfs === undefined ? {} : { statfs }),
  });
  return new LocalVault(path, identity, { form: archiveForm(compression), clock, ...(listings === undefined ? {} : { listings }) });
}
