import { HoldfastError } from "../../kernel/index.ts";
import { describeSecret } from "./describe-keys.ts";
import { findKeyDocument, listEpochs } from "./keys-folder.ts";
import { kdfBudget, type KdfBudget } from "./passphrase-key.ts";
import type { Secret } from "./secret.ts";
import { factsOf, openSlot, type Slot, type SlotFacts, type SlotPlace } from "./slot.ts";
import { earlierOf } from "./unlock-document.ts";

export interface CheckedSlot extends SlotFacts {
  /** Which of the secrets opens it, in words; null when none does. */
  readonly opened_by: string | null;
}
export interface CheckedEpoch {
  readonly epoch: number;
  /** By a slot of its own, or through a later epoch. */
  readonly open: boolean;
  readonly slots: readonly CheckedSlot[];
  /** What is wrong with its document; open all the same when the copy is sound. */
  readonly problem?: string;
}
export interface KeyCheck {
  /** Newest first; none when the vault has no keys. */
  readonly epochs: readonly CheckedEpoch[];
  /** Secrets that open nothing in this vault, in words. */
  readonly useless: readonly string[];
}

/** What the given secrets open in this vault, slot by slot. It is a report: nothing that is wrong with the keys is thrown. */
export function checkKeys(vaultFolder: string, vaultId: string, secrets: readonly Secret[]): KeyCheck {
  const budget = kdfBudget();
  const given: readonly Secret[] = secrets.length === 0 ? [{ kind: "none" }] : secrets;
  const used = new Set<Secret>();
  let open = false;
  const epochs = listEpochs(vaultFolder).map((epoch) => {
    const checked = checkEpoch(vaultFolder, { vault: vaultId, epoch }, given, budget, used);
    open ||= checked.open;
    return { ...checked, open };
  });
  return { epochs, useless: given.filter((secret) => secret.kind !== "none" && !used.has(secret)).map(describeSecret) };
}

function checkEpoch(vaultFolder: string, place: SlotPlace, secrets: readonly Secret[], budget: KdfBudget, used: Set<Secret>): CheckedEpoch {
  const slots: CheckedSlot[] = [];
  const { document, failure } = findKeyDocument(vaultFolder, place);
  const problem = failure === undefined ? {} : { problem: failure.message };
  if (document === undefined) return { epoch: place.epoch, open: false, slots, ...problem };
  try {
    for (const slot of document.slots) {
      const opened = opener(slot, secrets, place, budget);
      if (opened !== undefined) {
        earlierOf(document, { epoch: place.epoch, master: opened.master });
        used.add(opened.secret);
      }
      slots.push({ ...factsOf(slot), opened_by: opened === undefined ? null : describeSecret(opened.secret) });
    }
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    return { epoch: place.epoch, open: false, slots, problem: error.message };
  }
  return { epoch: place.epoch, open: slots.some(({ opened_by: by }) => by !== null), slots, ...problem };
}

function opener(
  slot: Slot,
  secrets: readonly Secret[],
  place: SlotPlace,
  budget: KdfBudget,
): { secret: Secret; master: Buffer } | undefined {
  for (const secret of secrets) {
    const master = openSlot(slot, secret, place, budget);
    if (master !== undefined) return { secret, master };
  }
  return undefined;
}
