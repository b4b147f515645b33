import { InternalError } from "../kernel/index.ts";
import type { Vault } from "../vault/index.ts";
import { LocalVault } from "./local-vault.ts";

/** @throws InternalError for a vault of another make */
export function asLocalVault(vault: Vault): LocalVault {
  if (vault instanceof LocalVault) return vault;
  throw new InternalError("This vault does not lie on a local disk");
}
