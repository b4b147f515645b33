import { ARCHIVE_FORMS } from "../archive/index.ts";
import { inspectVault } from "../local-vault/index.ts";
import type { VaultIdentity } from "../vault/index.ts";

/** Who owns the vault at a path, in whichever form it is; undefined when no vault is there. */
export async function vaultAt(path: string): Promise<VaultIdentity | undefined> {
  return await inspectVault(path, ARCHIVE_FORMS);
}
