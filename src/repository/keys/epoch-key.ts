import { ConfigError, DamageError, type HoldfastError } from "../../kernel/index.ts";
import type { SlotKind } from "./slot.ts";

export interface EpochKey {
  readonly epoch: number;
  readonly master: Buffer;
}

/** The slot by which a vault was opened. */
export interface OpenedBy {
  readonly kind: SlotKind;
  readonly id: string;
  readonly label: string;
  readonly epoch: number;
}

/** A document of keys that cannot be used; what it would open may be open all the same, through a later one. */
export interface UnusableKeys {
  readonly epoch: number;
  readonly failure: HoldfastError;
}

/** The master keys that a secret has opened. */
export interface VaultKeys {
  /** The newest epoch that is open. */
  readonly newest: EpochKey;
  /** False when the vault has a newer epoch than that: what is written then could be read with a key that was taken out of use. */
  readonly writable: boolean;
  /** @throws ConfigError KEY_WRONG when the epoch is there and not open · DamageError VAULT_DAMAGED when it is not there */
  epoch(epoch: number): EpochKey;
  readonly openedBy: OpenedBy;
  readonly unusable: readonly UnusableKeys[];
}

/** @param present The newest epoch that the vault has */
export function vaultKeys(
  earlier: readonly EpochKey[],
  {
    newest,
    present,
    openedBy,
    unusable = [],
  }: Omit<VaultKeys, "writable" | "epoch" | "unusable"> & { present: number; unusable?: readonly UnusableKeys[] },
): VaultKeys {
  const epochs = new Map([...earlier, newest].map((key) => [key.epoch, key]));
  return {
    newest,
    writable: newest.epoch === present,
    openedBy,
    unusable,
    epoch(epoch) {
      const found = epochs.get(epoch);
      if (found !== undefined) return found;
      const damaged = unusable.find((keys) => keys.epoch === epoch);
      if (damaged !== undefined) throw damaged.failure;
      if (epoch > newest.epoch && epoch <= present) {
        throw new ConfigError(
          "KEY_WRONG",
          `This was sealed with the keys of epoch ${epoch}, and what was given opens epoch ${newest.epoch} and older`,
          {
            hint: "Give a key that is in use today, or the recovery code that was printed at the last rotation",
          },
        );
      }
      throw new DamageError("VAULT_DAMAGED", `The keys of epoch ${epoch} are not in the vault, whose newest are of epoch ${present}`, {
        hint: `Bring "keys/${epoch}.json" back from a copy of the vault`,
      });
    },
  };
}
