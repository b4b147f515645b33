import { randomBytes } from "node:crypto";
import { crashpoint, HostError, namedSystemError, UsageError, type Clock } from "../../kernel/index.ts";
import { KEY_LENGTH } from "./derive.ts";
import { vaultKeys, type VaultKeys } from "./epoch-key.ts";
import { createKeyDocument } from "./keys-folder.ts";
import { changedMeanwhile, distinct, instant, newestDocument, openedBy } from "./make-keys.ts";
import { kdfBudget } from "./passphrase-key.ts";
import { MOST_EPOCHS, sealPrevious } from "./previous-epochs.ts";
import { proveDocument } from "./prove-document.ts";
import type { Secret } from "./secret.ts";
import { factsOf, makeSlot, type SlotFacts } from "./slot.ts";
import { earlierOf, unlockDocument } from "./unlock-document.ts";

export interface Rotation {
  readonly epoch: number;
  readonly keys: VaultKeys;
  /** Slots whose secret was present: they open the new epoch too. */
  readonly kept: readonly SlotFacts[];
  /** Slots of secrets that the vault did not know, as of a new recovery code. */
  readonly added: readonly SlotFacts[];
  /** Slots that from now on open only older backups. */
  readonly left: readonly SlotFacts[];
}

/**
 * Begins a new epoch: a new master key, wrapped for the secrets that are present and nobody else. Nothing that is stored
 * changes; what was stored before stays in reach of the old keys. The caller holds the vault's lock for writing.
 */
export function rotateKeys(vaultFolder: string, vaultId: string, keys: VaultKeys, secrets: readonly Secret[], clock: Clock): Rotation {
  // A new epoch in the clear would lay open every epoch before it.
  if (secrets.length === 0 || secrets.some(({ kind }) => kind === "none")) {
    throw new UsageError("USAGE", "A rotation needs a key: a new epoch is never left in the clear", {
      hint: "Name a key file in encryption.key_file",
    });
  }
  const document = newestDocument(vaultFolder, vaultId, keys);
  const epoch = document.epoch + 1;
  if (epoch > MOST_EPOCHS) {
    throw new HostError("VERSION_UNSUPPORTED", `The vault has ${MOST_EPOCHS} epochs of keys, and no more are read`, {
      hint: "Begin a new vault",
    });
  }
  const created_at = instant(clock);
  const newest = { epoch, master: randomBytes(KEY_LENGTH) };
  const budget = kdfBudget();
  const made = distinct(secrets).map((secret) => {
    const known = unlockDocument(document, [secret], budget)?.slot;
    const slot = makeSlot(secret, { vault: vaultId, ...newest, created_at, ...(known === undefined ? {} : { id: known.id }) });
    return { slot: known === undefined ? slot : { ...slot, label: known.label, created_at: known.created_at }, known };
  });
  const slots = made.map(({ slot }) => slot);
  const earlier = [...earlierOf(document, keys.newest), keys.newest];
  const previous = sealPrevious(earlier, newest, vaultId);
  publish(vaultFolder, epoch, proveDocument({ vault: vaultId, epoch, created_at, slots, previous }, newest, secrets));
  return {
    epoch,
    keys: vaultKeys(earlier, { newest, present: epoch, openedBy: openedBy(slots, epoch) }),
    kept: made.filter(({ known }) => known !== undefined).map(({ slot }) => factsOf(slot)),
    added: made.filter(({ known }) => known === undefined).map(({ slot }) => factsOf(slot)),
    left: document.slots.filter((slot) => made.every(({ known }) => known !== slot)).map(factsOf),
  };
}

function publish(vaultFolder: string, epoch: number, text: string): void {
  try {
    const created = createKeyDocument(vaultFolder, epoch, text, () => crashpoint("key-rotate-before-publish"));
    if (!created) throw changedMeanwhile(vaultFolder);
  } catch (error) {
    throw namedSystemError(error, `write the new keys of the vault "${vaultFolder}"`);
  }
  crashpoint("key-rotate-published");
}
