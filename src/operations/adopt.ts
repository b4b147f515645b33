import { ARCHIVE_FORMS } from "../archive/index.ts";
import { ConflictError, NotFoundError } from "../kernel/index.ts";
import { adoptVault } from "../local-vault/index.ts";
import type { VaultIdentity } from "../vault/index.ts";
import type { Instance } from "./instance.ts";
import { vaultAt } from "./vault-at.ts";

/** Who owns the vault that the configuration names. */
export async function vaultOwner(instance: Instance): Promise<VaultIdentity> {
  const owner = await vaultAt(instance.config.backup.path);
  if (owner === undefined)
    throw new NotFoundError("BACKUP_NOT_FOUND", `There is no vault at "${instance.config.backup.path}"`, {
      hint: "The first backup makes one",
    });
  return owner;
}

/** Takes over a vault of another instance; the owner must be named as it is, so that nobody takes one by mistake. */
export async function adopt(instance: Instance, owner: string): Promise<VaultIdentity> {
  const found = await vaultOwner(instance);
  if (found.instance !== owner) {
    throw new ConflictError(
      "VAULT_FOREIGN",
      `The vault at "${instance.config.backup.path}" belongs to "${found.instance}", not to "${owner}"`,
      {
        hint: `Say --from ${found.instance} if that is the one you mean`,
      },
    );
  }
  return adoptVault(instance.config.backup.path, { instance: { name: instance.config.name }, forms: ARCHIVE_FORMS });
}
