import { HostError } from "../../kernel/index.ts";

const REPAIR = "When no heavy work is running any more: holdfast lease repair";

export function storeDamaged(folder: string, what: string, cause?: unknown): HostError {
  return new HostError("LEASE_STORE_DAMAGED", `The lease store "${folder}" cannot be trusted: ${what}`, { cause, hint: REPAIR });
}

export function storeMissing(folder: string, what: string, cause?: unknown): HostError {
  return new HostError("LEASE_STORE_MISSING", `The lease store "${folder}" is not there: ${what}`, { cause, hint: REPAIR });
}

export function storeOlder(folder: string, generation: number, known: number): HostError {
  return new HostError(
    "LEASE_STORE_OLDER",
    `The lease store "${folder}" is an older copy of itself: its generation is ${generation}, and ${known} was seen here`,
    { hint: REPAIR },
  );
}

/** Whether a store is one to repair: not there, not readable, or an older copy. Never one that is only locked. */
export function isUnsound(error: unknown): boolean {
  return error instanceof HostError && UNSOUND.has(error.code);
}

const UNSOUND: ReadonlySet<string> = new Set(["LEASE_STORE_MISSING", "LEASE_STORE_DAMAGED", "LEASE_STORE_OLDER"]);
