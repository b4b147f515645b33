import type { Config } from "../../config/index.ts";
import { HoldfastError } from "../../kernel/index.ts";
import { checkKeys } from "../../repository/index.ts";
import type { VaultIdentity } from "../../vault/index.ts";
import { secretsOf } from "../vault-secrets.ts";

/** What the recovered configuration will open the vault with, from the next command on. */
export interface KeyWanted {
  /** "backup.encryption.key_file" */
  readonly key: string;
  /** The path, or the program; never a secret. */
  readonly names: string;
  /** Why the vault does not open with it here; null when it does, or when that is not tried. */
  readonly problem: string | null;
}

/** undefined when nothing is wanted. A program of a configuration that nobody has agreed to yet is not run. */
export async function keyWanted(
  config: Config,
  vault: string,
  owner: VaultIdentity,
  env: NodeJS.ProcessEnv,
): Promise<KeyWanted | undefined> {
  const { format, encryption } = config.backup;
  if (format !== owner.form)
    return {
      key: "backup.format",
      names: format,
      problem: `the vault is in ${owner.form} form: write format: ${owner.form}, and encryption`,
    };
  if (encryption === null || encryption.kind === "none") return undefined;
  if (encryption.kind === "passphrase-command")
    return { key: "backup.encryption.passphrase_command", names: encryption.passphraseCommand[0] ?? "", problem: null };
  const wanted = { key: `backup.encryption.${encryption.kind === "key-file" ? "key_file" : "passphrase_file"}`, names: encryption.path };
  try {
    const { epochs } = checkKeys(vault, owner.id, await secretsOf(config, env));
    return { ...wanted, problem: epochs[0]?.open === true ? null : "it does not open the vault" };
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    return { ...wanted, problem: error.message };
  }
}
