import { ConfigError, DamageError, HoldfastError } from "../../kernel/index.ts";
import { anyOf, describeSecret, describeSlot } from "./describe-keys.ts";
import { vaultKeys, type UnusableKeys, type VaultKeys } from "./epoch-key.ts";
import type { KeyDocument } from "./key-document.ts";
import { findKeyDocument, listEpochs } from "./keys-folder.ts";
import { kdfBudget } from "./passphrase-key.ts";
import type { Secret } from "./secret.ts";
import { factsOf, type SlotFacts } from "./slot.ts";
import { unlockDocument } from "./unlock-document.ts";

/**
 * Opens a vault with what is at hand, newest epoch first. No secrets mean `none`. A key that lies in the clear is taken
 * only when `none` is among the secrets: whoever may write to a vault could lay one there, and everything that is then
 * backed up "with a key" would be theirs to read. Where the newest document is lost or damaged its copy is taken, and
 * `unusable` says so.
 *
 * @throws ConfigError KEY_MISSING, KEY_WRONG · DamageError · HostError VERSION_UNSUPPORTED, FILE_SYSTEM
 */
export function openKeys(vaultFolder: string, vaultId: string, secrets: readonly Secret[]): VaultKeys {
  const [present, ...older] = listEpochs(vaultFolder);
  if (present === undefined) {
    throw new DamageError("VAULT_DAMAGED", `The vault "${vaultFolder}" has no keys: its folder "keys" is empty or missing`, {
      hint: "Bring that folder back from a copy of the vault; nothing can be read without it",
    });
  }
  const given: readonly Secret[] = secrets.length === 0 ? [{ kind: "none" }] : secrets;
  const unusable: UnusableKeys[] = [];
  const budget = kdfBudget();
  let newest: KeyDocument | undefined;
  let shut: HoldfastError | undefined;
  for (const epoch of [present, ...older]) {
    const { document, failure: bad } = findKeyDocument(vaultFolder, { vault: vaultId, epoch });
    if (bad !== undefined) unusable.push({ epoch, failure: bad });
    if (document === undefined) {
      shut ??= bad;
      continue;
    }
    newest ??= document;
    try {
      const unlocked = unlockDocument(document, given, budget);
      if (unlocked === undefined) continue;
      const { kind, id, label } = unlocked.slot;
      return vaultKeys(unlocked.earlier, { newest: unlocked.key, present, openedBy: { kind, id, label, epoch }, unusable });
    } catch (failure) {
      if (!(failure instanceof HoldfastError)) throw failure;
      unusable.push({ epoch, failure });
      shut ??= failure;
    }
  }
  // A key that fits might be told that it does not: the damage comes first.
  if (newest === undefined || shut !== undefined) throw shut ?? new DamageError("VAULT_DAMAGED", "No keys can be read");
  throw refusal(vaultFolder, given, newest);
}

const WAYS = {
  file: { again: "Look for that key file by its fingerprint", instead: "a key file" },
  recovery: { again: "Look for the recovery sheet with that fingerprint", instead: "the recovery code" },
  passphrase: { again: "Type the passphrase again, capitals and spaces as they were", instead: "the passphrase" },
};

/** First what was tried, and besides what else the vault opens with: a wrong passphrase sends nobody to look for a file. */
function wayIn(tried: readonly Secret[], slots: readonly SlotFacts[]): string {
  const kinds = (["file", "recovery", "passphrase"] as const).filter((kind) => slots.some((slot) => slot.kind === kind));
  const first = kinds.find((kind) => tried.some((secret) => secret.kind === kind)) ?? kinds[0] ?? "file";
  const others = kinds.filter((kind) => kind !== first).map((kind) => WAYS[kind].instead);
  const or = others.length === 0 ? "" : `, or give ${anyOf(others)}`;
  return `${WAYS[first].again}${or}; a vault cannot be opened without one of them`;
}

function refusal(vaultFolder: string, secrets: readonly Secret[], newest: KeyDocument): ConfigError {
  const slots = newest.slots.map(factsOf);
  const details = { slots, epoch: newest.epoch };
  const opensWith = anyOf(slots.map(describeSlot));
  const tried = secrets.filter(({ kind }) => kind !== "none");
  if (tried.length === 0) {
    return new ConfigError("KEY_MISSING", `The vault "${vaultFolder}" is encrypted, and no key was given: it opens with ${opensWith}`, {
      hint: "Name the key file in encryption.key_file, or give the recovery code",
      details,
    });
  }
  const triedWith = anyOf(tried.map(describeSecret));
  if (slots.some(({ kind }) => kind === "none")) {
    return new ConfigError("KEY_WRONG", `The vault "${vaultFolder}" is not encrypted, and ${triedWith} was given to open it`, {
      hint: "Say encryption: none to go on without; to encrypt what is stored from now on, run `holdfast key rotate`",
      details,
    });
  }
  return new ConfigError("KEY_WRONG", `Cannot open the vault "${vaultFolder}" with ${triedWith}: it opens with ${opensWith}`, {
    hint: wayIn(tried, slots),
    details,
  });
}
