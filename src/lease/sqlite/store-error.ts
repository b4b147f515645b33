import { DamageError } from "../../kernel/index.ts";

const REPAIR = "When no heavy work is running any more: holdfast lease repair";

export function storeDamaged(folder: string, what: string, cause?: unknown): DamageError {
  return new DamageError("LEASE_STORE_DAMAGED", `The lease store "${folder}" cannot be trusted: ${what}`, { cause, hint: REPAIR });
}

export function storeMissing(folder: string, what: string, cause?: unknown): DamageError {
  return new DamageError("LEASE_STORE_MISSING", `The lease store "${folder}" is not there: ${what}`, { cause, hint: REPAIR });
}

export function storeOlder(folder: string, generation: number, known: number): DamageError {
  return new DamageError(
    "LEASE_STORE_OLDER",
    `The lease store "${folder}" is an older copy of itself: its generation is ${generation}, and ${known} was seen here`,
    { hint: REPAIR },
  );
}
