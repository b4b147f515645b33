import { readdirSync } from "node:fs";
import { systemClock, type Clock } from "../kernel/index.ts";
import { layoutOf, LocalVault, openIdentity, type InstanceName, type ListingCache } from "../local-vault/index.ts";
import { vaultFile } from "./cache/vault-file.ts";
import type { CheckpointEvery } from "./checkpoint/checkpoint-clock.ts";
import { listEpochs } from "./keys/keys-folder.ts";
import { createKeys } from "./keys/make-keys.ts";
import { openKeys } from "./keys/open-keys.ts";
import type { Secret } from "./keys/secret.ts";
import { PACK_SIZES, type PackSizes } from "./pack/pack-sizes.ts";
import { repositoryForm, SEALED_FORM } from "./repository-form.ts";

export interface OpenRepositoryVaultOptions {
  /** Absolute folder of the vault. */
  readonly path: string;
  readonly instance: InstanceName;
  /** What opens it; any one of them will do. A new vault opens with each of them. */
  readonly secrets: readonly Secret[];
  /** Absolute folder for what saves reading; its loss costs time and nothing else. */
  readonly cacheFolder: string;
  /** Make the vault when nothing is there. */
  readonly create: boolean;
  readonly clock?: Clock;
  readonly listings?: ListingCache;
  /** For tests: how often what a backup has stored is noted. */
  readonly checkpoints?: CheckpointEvery;
  /** For tests: PACK_SIZES in small. */
  readonly sizes?: PackSizes;
  readonly statfs?: (path: string) => { type: number };
}

/**
 * @throws NotFoundError BACKUP_NOT_FOUND when no vault is there · ConfigError KEY_MISSING, KEY_WRONG · ConflictError
 * VAULT_FOREIGN, VAULT_OTHER_FORM · DamageError VAULT_DAMAGED · HostError FILE_SYSTEM_UNSUPPORTED, VERSION_UNSUPPORTED
 */
export async function openRepositoryVault(options: OpenRepositoryVaultOptions): Promise<LocalVault> {
  const { path, instance, secrets, create, cacheFolder, statfs, listings, clock = systemClock, sizes = PACK_SIZES } = options;
  const layout = layoutOf(path, [SEALED_FORM]);
  const identity = await openIdentity(layout, instance, { form: "repository", create, clock, ...(statfs === undefined ? {} : { statfs }) });
  // Made between the vault and its first backup: a vault that has one has keys, and never gets others.
  const made = create && listEpochs(path).length === 0 && !holdsBackups(layout);
  const keys = made ? createKeys(path, identity.id, secrets, clock) : openKeys(path, identity.id, secrets);
  const cache = { folder: cacheFolder, vault: identity.id, keys };
  const form = repositoryForm({ folder: path, keys, cache, now: () => clock.now(), sizes, checkpoints: options.checkpoints });
  return new LocalVault(path, identity, {
    form,
    clock,
    kept: vaultFile(cache, "listing"),
    ...(listings === undefined ? {} : { listings }),
  });
}

function holdsBackups(layout: ReturnType<typeof layoutOf>): boolean {
  return [layout.top, layout.trash].some((folder) => readdirSync(folder).some((name) => layout.parse(name) !== undefined));
}
