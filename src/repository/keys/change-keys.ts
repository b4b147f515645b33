import type { Clock } from "../../kernel/index.ts";
import { layoutOf, openIdentity, underWriteLock, type InstanceName } from "../../local-vault/index.ts";
import { refuseOlderKeys } from "../newest-epoch.ts";
import { SEALED_FORM } from "../repository-form.ts";
import type { VaultKeys } from "./epoch-key.ts";
import { addSlot, removeSlot } from "./make-keys.ts";
import { openKeys } from "./open-keys.ts";
import { rotateKeys, type Rotation } from "./rotate-keys.ts";
import type { Secret } from "./secret.ts";
import type { SlotFacts } from "./slot.ts";

export interface KeyPlace {
  /** Absolute folder of the vault. */
  readonly path: string;
  readonly instance: InstanceName;
  /** What opens it today. */
  readonly secrets: readonly Secret[];
  readonly clock: Clock;
  readonly signal?: AbortSignal;
}

/** Lets one more secret open the vault. */
export async function addKey(place: KeyPlace, secret: Secret): Promise<SlotFacts> {
  return await change(place, (id, keys) => addSlot(place.path, id, keys, secret, place.clock));
}

/** Takes a slot out of use, but the one that opens the vault here. */
export async function removeKey(place: KeyPlace, slot: string): Promise<SlotFacts> {
  return await change(place, (id, keys) => removeSlot(place.path, id, keys, slot));
}

/** Begins a new epoch, which the secrets given here open and nothing else does. */
export async function rotateKey(place: KeyPlace, secrets: readonly Secret[]): Promise<Rotation> {
  return await change(place, (id, keys) => rotateKeys(place.path, id, keys, secrets, place.clock));
}

/** Under the write lock: two who change at once would lose one, and a backup under way is sealed with the keys it began with. */
async function change<T>(place: KeyPlace, work: (id: string, keys: VaultKeys) => T): Promise<T> {
  const { path, instance, clock, secrets, signal } = place;
  const layout = layoutOf(path, [SEALED_FORM]);
  const { id } = await openIdentity(layout, instance, { form: "repository", create: false, clock });
  const what = "a change of its keys";
  return await underWriteLock(path, { what, ...(signal === undefined ? {} : { signal }) }, () => {
    const keys = openKeys(path, id, secrets);
    refuseOlderKeys(path, keys);
    return work(id, keys);
  });
}
