import { ARCHIVE_FORMS } from "../archive/index.ts";
import { ConfigError } from "../kernel/index.ts";
import { inspectVault, type StoredForm } from "../local-vault/index.ts";
import { SEALED_FORM, unlockedForm, type Secret } from "../repository/index.ts";
import type { VaultIdentity } from "../vault/index.ts";

/** Every way in which a backup may lie in a vault. */
export const FORMS: readonly StoredForm[] = [...ARCHIVE_FORMS, SEALED_FORM];

export interface VaultThere {
  /** undefined when no vault is there. */
  readonly owner: VaultIdentity | undefined;
  /** In which its backups can be told, and read as far as that took. */
  readonly forms: readonly StoredForm[];
}

/**
 * Who owns the vault at a path, in whichever form it is.
 *
 * @param secrets asked for only when the vault has lost the document that says it, and its sealed backups have to
 */
export async function lookAtVault(path: string, secrets?: () => Promise<readonly Secret[]>): Promise<VaultThere> {
  try {
    return { owner: await inspectVault(path, FORMS), forms: FORMS };
  } catch (error) {
    if (secrets === undefined || !(error instanceof ConfigError) || error.code !== "KEY_MISSING") throw error;
    const forms = [...ARCHIVE_FORMS, unlockedForm(path, await secrets())];
    return { owner: await inspectVault(path, forms), forms };
  }
}

/** The owner alone; undefined when no vault is there. */
export async function vaultAt(path: string): Promise<VaultIdentity | undefined> {
  return (await lookAtVault(path)).owner;
}
