import { ConflictError, NotFoundError } from "../../kernel/index.ts";
import { checkKeys, type CheckedEpoch, type Secret } from "../../repository/index.ts";
import type { VaultIdentity } from "../../vault/index.ts";
import type { Instance } from "../instance.ts";
import { vaultAt } from "../vault-at.ts";
import { secretsOf } from "../vault-secrets.ts";
import { readGivenSecrets, type GivenSecrets } from "./given-secrets.ts";

export interface KeyCheckReport {
  readonly vault: string;
  readonly owner: VaultIdentity;
  /** Newest first. */
  readonly epochs: readonly CheckedEpoch[];
  /** What was tried and opens nothing, in words. */
  readonly useless: readonly string[];
  /** `all`: the newest epoch is open, and with it the vault; `older`: older backups alone. */
  readonly opens: "all" | "older" | "nothing";
}

/**
 * Proves that a key opens this vault, and what of it: the one that the configuration names, or those given in its place.
 *
 * @throws NotFoundError BACKUP_NOT_FOUND when no vault is there · ConfigError KEY_MISSING, KEY_INVALID · ConflictError
 */
export async function checkKey(instance: Instance, given: GivenSecrets = {}): Promise<KeyCheckReport> {
  const vault = instance.config.backup.path;
  const owner = await repositoryAt(vault);
  const secrets: readonly Secret[] = await readGivenSecrets(given);
  const tried = secrets.length > 0 ? secrets : await secretsOf(instance.config, instance.env);
  const { epochs, useless } = checkKeys(vault, owner.id, tried);
  const opens = epochs[0]?.open === true ? "all" : epochs.some(({ open }) => open) ? "older" : "nothing";
  return { vault, owner, epochs, useless, opens };
}

async function repositoryAt(vault: string): Promise<VaultIdentity> {
  const owner = await vaultAt(vault);
  if (owner === undefined)
    throw new NotFoundError("BACKUP_NOT_FOUND", `There is no vault at "${vault}" that a key could open`, {
      hint: "The first backup makes it, with the key that the configuration names: holdfast backup",
    });
  if (owner.form === "repository") return owner;
  throw new ConflictError("VAULT_OTHER_FORM", `The vault at "${vault}" is in archive form, which has no keys`, {
    hint: "What may be read there is decided by the permissions of its folder",
  });
}
