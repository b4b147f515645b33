import { argon2Sync, hash } from "node:crypto";
import { DamageError, namedSystemError } from "../../kernel/index.ts";
import { KEY_LENGTH } from "./derive.ts";

/** What argon2id is to spend on one try. It stands in the slot, where whoever may write to the vault can change it. */
export interface KdfParameters {
  readonly memory_kib: number;
  readonly passes: number;
  readonly parallelism: number;
}

/** A sixth of a second, measured, on a machine of 2024. */
export const DEFAULT_KDF: KdfParameters = { memory_kib: 64 * 1024, passes: 3, parallelism: 1 };

export const LARGEST_KDF: KdfParameters = { memory_kib: 1024 * 1024, passes: 16, parallelism: 8 };

/** argon2 needs eight blocks of 1 KiB in each lane. */
export function leastMemory(parallelism: number): number {
  return 8 * parallelism;
}

/** What is left to spend on passphrases: a vault of somebody else's making may hold many slots that each ask for the most. */
export interface KdfBudget {
  left: number;
}

/** KiB times passes: two slots of the largest kind, or 170 of the default one. */
export function kdfBudget(): KdfBudget {
  return { left: 2 * LARGEST_KDF.memory_kib * LARGEST_KDF.passes };
}

/**
 * By what went into them. Who opens a vault for every request must not stand still for a sixth of a second each time; the
 * process holds the passphrase anyway.
 */
const derived: Map<string, Buffer> = new Map();
const MOST_DERIVED = 16;

/** @throws DamageError VAULT_DAMAGED when the budget is spent */
export function passphraseKey(text: string, salt: Uint8Array, kdf: KdfParameters, budget: KdfBudget): Buffer {
  budget.left -= kdf.memory_kib * kdf.passes;
  if (budget.left < 0) {
    throw new DamageError("VAULT_DAMAGED", "The passphrase slots of the vault ask for more work than any vault of ours does", {
      hint: "Somebody may have written to the vault; open it with a key file or the recovery code",
    });
  }
  const name = hash("sha256", JSON.stringify([text, Buffer.from(salt).toString("hex"), kdf.memory_kib, kdf.passes, kdf.parallelism]));
  const known = derived.get(name);
  if (known !== undefined) return Buffer.from(known);
  const key = derive(text, salt, kdf);
  if (derived.size >= MOST_DERIVED) derived.clear();
  derived.set(name, Buffer.from(key));
  return key;
}

function derive(text: string, salt: Uint8Array, kdf: KdfParameters): Buffer {
  try {
    return argon2Sync("argon2id", {
      message: Buffer.from(text),
      nonce: salt,
      parallelism: kdf.parallelism,
      tagLength: KEY_LENGTH,
      memory: kdf.memory_kib,
      passes: kdf.passes,
    });
  } catch (error) {
    throw namedSystemError(error, "derive the key of a passphrase");
  }
}
