import { DamageError } from "../../kernel/index.ts";
import type { EpochKey } from "./epoch-key.ts";
import type { KeyDocument } from "./key-document.ts";
import type { KdfBudget } from "./passphrase-key.ts";
import { openPrevious } from "./previous-epochs.ts";
import type { Secret } from "./secret.ts";
import { openSlot, type Slot } from "./slot.ts";

export interface Unlocked {
  readonly slot: Slot;
  readonly secret: Secret;
  readonly key: EpochKey;
  /** Every epoch before, in order. */
  readonly earlier: readonly EpochKey[];
}

/**
 * Opens the document of one epoch with the first secret that fits a slot. Passphrases come last: each try of one costs
 * what it is meant to cost.
 *
 * @returns undefined when none fits
 * @throws DamageError VAULT_DAMAGED when a slot opens and the earlier keys do not
 */
export function unlockDocument(document: KeyDocument, secrets: readonly Secret[], budget: KdfBudget): Unlocked | undefined {
  const cheapFirst = secrets.toSorted((a, b) => Number(a.kind === "passphrase") - Number(b.kind === "passphrase"));
  for (const secret of cheapFirst) {
    for (const slot of document.slots) {
      const master = openSlot(slot, secret, document, budget);
      if (master === undefined) continue;
      const key = { epoch: document.epoch, master };
      return { slot, secret, key, earlier: earlierOf(document, key) };
    }
  }
  return undefined;
}

/** What proves a master key that lies in the clear, and that the document is of one piece. */
export function earlierOf(document: KeyDocument, key: EpochKey): readonly EpochKey[] {
  const earlier = openPrevious(document.previous, key, document.vault);
  if (earlier !== undefined) return earlier;
  throw new DamageError("VAULT_DAMAGED", `Cannot trust the keys of epoch ${document.epoch}: the earlier keys in it do not open`, {
    hint: `Bring "keys/${document.epoch}.json" back from a copy of the vault`,
  });
}
