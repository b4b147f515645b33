import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { HoldfastError, makeFolder, type Clock } from "../../kernel/index.ts";
import type { EpochKey } from "./epoch-key.ts";
import { formatKeyDocument } from "./key-document.ts";
import { keyDocumentPath, keysFolder } from "./keys-folder.ts";
import type { KdfParameters } from "./passphrase-key.ts";
import { sealPrevious } from "./previous-epochs.ts";
import type { Secret } from "./secret.ts";
import { makeSlot, type SlotFacts } from "./slot.ts";

export const TEST_VAULT = "5b0c3a0e-2f5e-4a57-9a3c-0d1f6f4b7c11";
export const TEST_CLOCK: Clock = { now: () => Date.parse("2026-03-15T14:30:00Z") };
/** A passphrase that costs nothing to try. */
export const CHEAP_KDF: KdfParameters = { memory_kib: 8, passes: 1, parallelism: 1 };

/** Lays the keys of one epoch into a vault, with passphrases that are cheap to try; the others are as in life. */
export function layKeys(vaultFolder: string, secrets: readonly Secret[], earlier: readonly EpochKey[] = []): EpochKey {
  const key = { epoch: earlier.length + 1, master: randomBytes(32) };
  const created_at = "2026-03-15T14:30:00Z";
  const slots = secrets.map((secret) => makeSlot(secret, { vault: TEST_VAULT, ...key, created_at, kdf: CHEAP_KDF }));
  const previous = sealPrevious(earlier, key, TEST_VAULT);
  makeFolder(keysFolder(vaultFolder));
  writeFileSync(
    keyDocumentPath(vaultFolder, key.epoch),
    formatKeyDocument({ vault: TEST_VAULT, epoch: key.epoch, created_at, slots, previous }),
  );
  return key;
}

/** The failure that a call must have; anything that has no name of ours fails the test. */
export function failureOf(call: () => unknown): HoldfastError {
  let result: unknown;
  try {
    result = call();
  } catch (error) {
    if (error instanceof HoldfastError) return error;
    throw error;
  }
  throw new Error(`Nothing was thrown; the result is ${JSON.stringify(result)}`);
}

export function labelsOf(slots: readonly SlotFacts[]): string[] {
  return slots.map(({ kind, label }) => `${kind} ${label}`);
}
