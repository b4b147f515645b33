import { randomBytes } from "node:crypto";
import { BusyError, ConfigError, ConflictError, InternalError, namedSystemError, UsageError, type Clock } from "../../kernel/index.ts";
import { describeSecret, describeSlot } from "./describe-keys.ts";
import { KEY_LENGTH } from "./derive.ts";
import { vaultKeys, type OpenedBy, type VaultKeys } from "./epoch-key.ts";
import type { KeyDocument } from "./key-document.ts";
import { createKeyDocument, listEpochs, readKeyDocument, replaceKeyDocument } from "./keys-folder.ts";
import { kdfBudget } from "./passphrase-key.ts";
import { sealPrevious } from "./previous-epochs.ts";
import { proveDocument } from "./prove-document.ts";
import type { Secret } from "./secret.ts";
import { factsOf, makeSlot, type SlotFacts } from "./slot.ts";
import { earlierOf, unlockDocument } from "./unlock-document.ts";

/**
 * Makes the keys of a new vault: a random master key that each of the secrets opens.
 *
 * @throws ConflictError FILE_EXISTS when the vault has keys · UsageError
 */
export function createKeys(vaultFolder: string, vaultId: string, secrets: readonly Secret[], clock: Clock): VaultKeys {
  if (secrets.length === 0)
    throw new UsageError("USAGE", "A vault needs at least one key", { hint: "Give a key file, or say encryption: none" });
  if (secrets.length > 1 && secrets.some(({ kind }) => kind === "none")) throw clearBesideKey();
  if (listEpochs(vaultFolder).length > 0) throw keysExist(vaultFolder);
  const created_at = instant(clock);
  const key = { epoch: 1, master: randomBytes(KEY_LENGTH) };
  const slots = distinct(secrets).map((secret) => makeSlot(secret, { vault: vaultId, ...key, created_at }));
  const document = { vault: vaultId, epoch: 1, created_at, slots, previous: sealPrevious([], key, vaultId) };
  const text = proveDocument(document, key, secrets);
  try {
    if (!createKeyDocument(vaultFolder, 1, text)) throw keysExist(vaultFolder);
  } catch (error) {
    throw namedSystemError(error, `write the keys of the vault "${vaultFolder}"`);
  }
  return vaultKeys([], { newest: key, present: 1, openedBy: openedBy(slots, 1) });
}

/**
 * Lets one more secret open the newest epoch, and with it all before. The caller holds the vault's lock for writing: two
 * who add at once would lose one.
 */
export function addSlot(vaultFolder: string, vaultId: string, keys: VaultKeys, secret: Secret, clock: Clock): SlotFacts {
  const document = newestDocument(vaultFolder, vaultId, keys);
  if (secret.kind === "none" || document.slots.some(({ kind }) => kind === "none")) throw clearBesideKey();
  const there = unlockDocument(document, [secret], kdfBudget());
  if (there !== undefined) {
    throw new UsageError(
      "USAGE",
      `Cannot add ${describeSecret(secret)}: the vault opens with it already, as ${describeSlot(factsOf(there.slot))}`,
      {
        hint: "Nothing needs to be done",
      },
    );
  }
  const slot = makeSlot(secret, { vault: vaultId, ...keys.newest, created_at: instant(clock) });
  rewrite(vaultFolder, proveDocument({ ...document, slots: [...document.slots, slot] }, keys.newest, [secret]), document.epoch);
  return factsOf(slot);
}

/**
 * Takes a slot out of the newest epoch. The one that opened these keys stays, so that whoever takes one away has shown
 * that another is at hand. The secret goes on opening older epochs, and whoever used it may have kept the master key:
 * only a rotation shuts it out of what is written from then on. The caller holds the vault's lock for writing.
 */
export function removeSlot(vaultFolder: string, vaultId: string, keys: VaultKeys, slotId: string): SlotFacts {
  const document = newestDocument(vaultFolder, vaultId, keys);
  const slot = document.slots.find(({ id }) => id === slotId);
  if (slot === undefined) throw new UsageError("USAGE", `The vault has no key slot "${slotId}"`, { hint: "List them: holdfast key check" });
  if (document.slots.length === 1 || slot.id === keys.openedBy.id) {
    throw new UsageError(
      "USAGE",
      `Cannot remove ${describeSlot(factsOf(slot))}: ${document.slots.length === 1 ? "nothing else opens the vault" : "it is what opened the vault just now"}`,
      {
        hint: "Add another key, open the vault with that one, and then remove this one",
      },
    );
  }
  const slots = document.slots.filter((other) => other !== slot);
  rewrite(vaultFolder, proveDocument({ ...document, slots }, keys.newest, []), document.epoch);
  return factsOf(slot);
}

/** The document that a change begins from: the one these keys were opened by, and no newer one beside it. */
export function newestDocument(vaultFolder: string, vaultId: string, keys: VaultKeys): KeyDocument {
  if (!keys.writable) {
    throw new ConfigError("KEY_WRONG", "Cannot change the keys of the vault: what was given opens only older backups", {
      hint: "Open the vault with a key that is in use today, or with the recovery code that was printed at the last rotation",
    });
  }
  if (listEpochs(vaultFolder)[0] !== keys.newest.epoch) throw changedMeanwhile(vaultFolder);
  const document = readKeyDocument(vaultFolder, { vault: vaultId, epoch: keys.newest.epoch });
  earlierOf(document, keys.newest);
  return document;
}

/** Who makes keys has the first of them open. */
export function openedBy(slots: readonly SlotFacts[], epoch: number): OpenedBy {
  const [first] = slots;
  if (first === undefined) throw new InternalError("Keys were made without a slot");
  return { kind: first.kind, id: first.id, label: first.label, epoch };
}

export function changedMeanwhile(vaultFolder: string): BusyError {
  return new BusyError("VAULT_BUSY", `The keys of the vault "${vaultFolder}" were changed by another process meanwhile`, {
    hint: "Run it again",
  });
}

/** The same key given twice is one key. */
export function distinct(secrets: readonly Secret[]): readonly Secret[] {
  const nameOf = (secret: Secret): string =>
    secret.kind === "none" ? "none" : `${secret.kind} ${secret.kind === "passphrase" ? secret.text : secret.bytes.toString("hex")}`;
  return [...new Map(secrets.map((secret) => [nameOf(secret), secret])).values()];
}

export function instant(clock: Clock): string {
  return new Date(clock.now()).toISOString();
}

function rewrite(vaultFolder: string, text: string, epoch: number): void {
  try {
    replaceKeyDocument(vaultFolder, epoch, text);
  } catch (error) {
    throw namedSystemError(error, `write the keys of the vault "${vaultFolder}"`);
  }
}

function keysExist(vaultFolder: string): ConflictError {
  return new ConflictError("FILE_EXISTS", `The vault "${vaultFolder}" has keys already, and they are never written over`, {
    hint: "Open it with them: holdfast key check",
  });
}

function clearBesideKey(): UsageError {
  return new UsageError("USAGE", "A master key cannot lie in the clear beside one that is wrapped: the vault would only look encrypted", {
    hint: "To encrypt a vault from now on, run `holdfast key rotate`; for one without encryption, make a new vault",
  });
}
