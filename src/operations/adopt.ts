import { ConflictError, NotFoundError } from "../kernel/index.ts";
import { adoptVault, type StoredForm } from "../local-vault/index.ts";
import type { VaultIdentity } from "../vault/index.ts";
import type { Instance } from "./instance.ts";
import { lookAtVault } from "./vault-at.ts";
import { secretsOf } from "./vault-secrets.ts";

/** Who owns the vault that the configuration names. */
export async function vaultOwner(instance: Instance): Promise<VaultIdentity> {
  return (await vaultThere(instance)).owner;
}

async function vaultThere({ config, env }: Instance): Promise<{ readonly owner: VaultIdentity; readonly forms: readonly StoredForm[] }> {
  const { path } = config.backup;
  const { owner, forms } = await lookAtVault(path, async () => await secretsOf(config, env));
  if (owner !== undefined) return { owner, forms };
  throw new NotFoundError("BACKUP_NOT_FOUND", `There is no vault at "${path}"`, { hint: "The first backup makes one" });
}

/** Takes over a vault of another instance; the owner must be named as it is, so that nobody takes one by mistake. */
export async function adopt(instance: Instance, owner: string): Promise<VaultIdentity> {
  const { owner: found, forms } = await vaultThere(instance);
  if (found.instance !== owner) {
    throw new ConflictError(
      "VAULT_FOREIGN",
      `The vault at "${instance.config.backup.path}" belongs to "${found.instance}", not to "${owner}"`,
      {
        hint: `Say --from ${found.instance} if that is the one you mean`,
      },
    );
  }
  return adoptVault(instance.config.backup.path, { instance: { name: instance.config.name }, forms });
}
