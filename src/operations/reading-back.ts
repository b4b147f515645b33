import { messageOf } from "../kernel/index.ts";
import type { ReadBack, Vault } from "../vault/index.ts";
import type { Instance } from "./instance.ts";
import type { VerifyResult } from "./verify-one.ts";

/**
 * Reads a vault back, each pack of it once. What was read is kept also when the reading was stopped, or came to something
 * that it could not read.
 *
 * @param work gets undefined in a form whose backups share nothing
 */
export async function readingBack<T extends { readonly results: readonly VerifyResult[] }>(
  vault: Vault,
  instance: Instance,
  work: (readBack: ReadBack | undefined) => Promise<T>,
): Promise<T> {
  await using readBack = await vault.readBack?.();
  if (readBack === undefined) return await work(undefined);
  if (readBack.warning !== null) instance.remark(readBack.warning);
  let done: T | undefined;
  try {
    done = await work(readBack);
    return done;
  } finally {
    await keep(readBack, instance, done);
  }
}

/** A failure is told, and damage too, also where what was read cannot be kept, as on a full disk. */
async function keep(
  readBack: ReadBack,
  instance: Instance,
  done: { readonly results: readonly VerifyResult[] } | undefined,
): Promise<void> {
  try {
    await readBack.keep();
  } catch (error) {
    if (done?.results.every(({ ok }) => ok) === true) throw error;
    instance.remark(`Which packs were read back is not kept: ${messageOf(error)}`);
  }
}
