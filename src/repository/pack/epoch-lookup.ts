import { DamageError, messageOf, type CodeOf } from "../../kernel/index.ts";
import type { EpochKey, VaultKeys } from "../keys/epoch-key.ts";
import { DAMAGE_HINT } from "./seal.ts";

/** What a reader needs of the keys of a vault. */
export type EpochLookup = Pick<VaultKeys, "epoch">;

/**
 * The key under which a file says that it is sealed. A file that names an epoch which the vault does not have may be what is
 * damaged, and so it is the file that the refusal names.
 *
 * @throws DamageError with the code · ConfigError KEY_WRONG when the epoch is there and not open
 */
export function epochKeyOf(keys: EpochLookup, epoch: number, subject: string, code: CodeOf<"damage">): EpochKey {
  try {
    return keys.epoch(epoch);
  } catch (cause) {
    if (!(cause instanceof DamageError)) throw cause;
    throw new DamageError(code, `Cannot read ${subject}: ${messageOf(cause)}`, { cause, hint: cause.hint ?? DAMAGE_HINT });
  }
}
