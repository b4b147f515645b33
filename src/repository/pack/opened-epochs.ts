import { DamageError } from "../../kernel/index.ts";
import type { EpochKey } from "../keys/epoch-key.ts";
import type { EpochLookup } from "./epoch-lookup.ts";

/** The keys that another thread had open, handed over by value. */
export function openedEpochs(epochs: readonly EpochKey[]): EpochLookup {
  // What was cloned is no Buffer any more.
  const known = new Map(epochs.map(({ epoch, master }) => [epoch, { epoch, master: Buffer.from(master) }]));
  return {
    epoch(number) {
      const found = known.get(number);
      if (found !== undefined) return found;
      throw new DamageError("VAULT_DAMAGED", `The keys of epoch ${number} are not in the vault`, { hint: "Use another backup" });
    },
  };
}
