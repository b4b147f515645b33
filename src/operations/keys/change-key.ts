import { InternalError, removeFile, UsageError } from "../../kernel/index.ts";
import {
  addKey,
  checkKeys,
  describeSecret,
  describeSlot,
  fingerprintOf,
  formatRecoveryCode,
  generateRecoveryCode,
  removeKey,
  rotateKey,
  type CheckedEpoch,
  type KeyPlace,
  type RecoverySecret,
  type Secret,
  type SlotFacts,
} from "../../repository/index.ts";
import type { Instance } from "../instance.ts";
import { vaultAt } from "../vault-at.ts";
import { secretsOf } from "../vault-secrets.ts";
import { readGivenSecrets, type GivenSecrets } from "./given-secrets.ts";
import { refuseInsideVault } from "./key-place.ts";
import { oldKeyReach, type OldKeyReach } from "./old-key-reach.ts";
import { writeRecoverySheet } from "./recovery-sheet.ts";

export interface KeyChange {
  /** Where a new recovery code is written as a sheet, before the vault opens with it. Absolute. */
  readonly sheet?: string;
  /** What opens the vault now, in place of what the configuration names. */
  readonly unlock: GivenSecrets;
  readonly signal?: AbortSignal;
}

/** A recovery code that somebody has to write down now: it is stored nowhere. */
export interface NewCode {
  /** As it is printed. For a person's eyes, and for no document or log. */
  readonly code: string;
  readonly fingerprint: string;
  readonly slot: SlotFacts;
}

/** Lets a further key file, passphrase or recovery code open the vault. */
export async function addGivenKey(instance: Instance, given: GivenSecrets, change: KeyChange): Promise<SlotFacts> {
  const [secret, ...others] = await readGivenSecrets(given);
  if (secret === undefined || others.length > 0) {
    throw new UsageError("USAGE", `Give one key to add, not ${secret === undefined ? "none" : "several"}`, {
      hint: "A new recovery code is made by `holdfast key show-recovery --new`; for another key name --key-file, --recovery-code-file or --passphrase-file",
    });
  }
  return await addKey(await placeOf(instance, change), secret);
}

/** The slot with this id or fingerprint, whatever became of the key. */
export async function findSlot(instance: Instance, named: string): Promise<SlotFacts> {
  const slots = await slotsOf(instance);
  const found = slots.filter((slot) => isNamed(slot, named));
  const [slot] = found;
  if (slot !== undefined && found.length === 1) return slot;
  refuseEarlierSlot(await epochsOf(instance), named);
  throw new UsageError("USAGE", `The vault has no key slot "${named}"`, { hint: "List them: holdfast key check", details: { slots } });
}

function isNamed({ id, fingerprint }: SlotFacts, named: string): boolean {
  return id === named || fingerprint === named.toUpperCase();
}

/** A rotation has taken it out of use already, and what was sealed before is not sealed anew. */
function refuseEarlierSlot(epochs: readonly CheckedEpoch[], named: string): void {
  for (const { epoch, slots } of epochs) {
    const slot = slots.find((one) => isNamed(one, named));
    if (slot === undefined) continue;
    throw new UsageError("USAGE", `The slot of ${describeSlot(slot)} belongs to epoch ${epoch} and cannot be removed`, {
      hint: "It opens nothing that was written since the rotation; what was sealed before stays in its reach until retention lets go of those backups",
      details: { epoch },
    });
  }
}

/** Takes a slot out of use. */
export async function removeSlot(instance: Instance, slot: string, change: KeyChange): Promise<SlotFacts> {
  return await removeKey(await placeOf(instance, change), slot);
}

/** The slots that open what is written today. */
export async function slotsOf(instance: Instance): Promise<readonly SlotFacts[]> {
  const slots = (await epochsOf(instance))[0]?.slots ?? [];
  // Nothing was tried on them.
  return slots.map(({ id, kind, label, created_at, fingerprint }) => ({
    id,
    kind,
    label,
    created_at,
    ...(fingerprint === undefined ? {} : { fingerprint }),
  }));
}

/** Newest first; none without a vault. */
async function epochsOf({ config }: Instance): Promise<readonly CheckedEpoch[]> {
  const { path } = config.backup;
  const owner = await vaultAt(path);
  return owner === undefined ? [] : checkKeys(path, owner.id, []).epochs;
}

/** Makes a new recovery code, and a slot for it. */
export async function newRecoveryCode(instance: Instance, change: KeyChange): Promise<NewCode> {
  const secret = generateRecoveryCode(labelAt(instance));
  const place = await placeOf(instance, change);
  const slot = await onSheet(instance, secret, { place, sheet: change.sheet }, () => addKey(place, secret));
  return { code: formatRecoveryCode(secret), fingerprint: fingerprintOf(secret), slot };
}

/** The code is on paper before anything is locked with it; when nothing is, the sheet goes again. */
async function onSheet<T>(
  { config, clock }: Instance,
  code: RecoverySecret,
  { place, sheet }: { readonly place: KeyPlace; readonly sheet: string | undefined },
  work: () => Promise<T>,
): Promise<T> {
  if (sheet === undefined) return await work();
  refuseInsideVault(sheet, config.backup.path);
  const key = place.secrets.find(({ kind }) => kind === "file");
  const keyFile = key?.kind === "file" ? { path: key.label, fingerprint: fingerprintOf(key) } : null;
  const about = { instance: config.name, vault: config.backup.path, keyFile, code, fingerprint: fingerprintOf(code), time: clock.now() };
  writeRecoverySheet(sheet, about);
  try {
    return await work();
  } catch (error) {
    removeFile(sheet);
    throw error;
  }
}

export interface KeyRotation {
  readonly epoch: number;
  /** Open everything, as before. */
  readonly kept: readonly SlotFacts[];
  readonly added: readonly SlotFacts[];
  /** Open only what was written before. */
  readonly left: readonly SlotFacts[];
  readonly recovery: NewCode;
  readonly reach: OldKeyReach;
  /** Keys that the configuration names and that do not open the new epoch, in words. */
  readonly shutOut: readonly string[];
}

/** Begins a new epoch, for the keys that are at hand and a new recovery code. */
export async function rotate(instance: Instance, further: GivenSecrets, change: KeyChange): Promise<KeyRotation> {
  const place = await placeOf(instance, change);
  const at = [...place.secrets.filter(({ kind }) => kind !== "none"), ...(await readGivenSecrets(further))];
  if (at.length === 0) {
    throw new UsageError("USAGE", "A rotation needs a key that is to open the vault from now on, besides the new recovery code", {
      hint: "Make one with `holdfast key generate --output FILE`, and name it: holdfast key rotate --key-file FILE",
    });
  }
  const secret = generateRecoveryCode(labelAt(instance));
  const rotation = await onSheet(instance, secret, { place, sheet: change.sheet }, () => rotateKey(place, [...at, secret]));
  const { epoch, kept, added, left } = rotation;
  const fingerprint = fingerprintOf(secret);
  const slot = added.find((made) => made.fingerprint === fingerprint);
  if (slot === undefined) throw new InternalError("The new recovery code got no slot");
  return {
    epoch,
    kept,
    added,
    left,
    recovery: { code: formatRecoveryCode(secret), fingerprint, slot },
    reach: oldKeyReach(instance.config),
    shutOut: await shutOut(instance, epoch),
  };
}

/** Whether the next backup will open the vault. */
async function shutOut(instance: Instance, epoch: number): Promise<readonly string[]> {
  const { config, env } = instance;
  const { encryption } = config.backup;
  let named: readonly Secret[];
  try {
    named = await secretsOf(config, env);
  } catch {
    // It was not needed to get here: that it is not to be had is what there is to say.
    return encryption !== null && "path" in encryption ? [`"${encryption.path}"`] : ["what the configuration names"];
  }
  const owner = await vaultAt(config.backup.path);
  const { epochs } = checkKeys(config.backup.path, owner?.id ?? "", named);
  return epochs.some((checked) => checked.epoch === epoch && checked.open) ? [] : named.map(describeSecret);
}

async function placeOf(instance: Instance, { unlock, signal }: KeyChange): Promise<KeyPlace> {
  const { config, env, clock } = instance;
  const given = await readGivenSecrets(unlock);
  return {
    path: config.backup.path,
    instance: { name: config.name },
    secrets: given.length > 0 ? given : await secretsOf(config, env),
    clock,
    ...(signal === undefined ? {} : { signal }),
  };
}

/** Tells sheets apart that were printed at different times. */
function labelAt({ clock }: Instance): string {
  return `recovery code of ${new Date(clock.now()).toISOString().slice(0, 10)}`;
}
