import { BusyError } from "../kernel/index.ts";

/** So many wrong tokens an address may send in a window. */
const ALLOWED = 20;
/** Milliseconds. */
const WINDOW = 60_000;
/** Addresses that are remembered at a time. */
const REMEMBERED = 1000;

export interface FailedTokens {
  /** @throws BusyError RATE_LIMITED when there were too many */
  count(address: string, now: number): void;
}

/**
 * Counts refused tokens by address. A right token is never kept out by somebody else's wrong ones from the same address:
 * it has 256 random bits, and what this bounds is the noise and not the guessing.
 */
export function failedTokens(): FailedTokens {
  const failures = new Map<string, { since: number; count: number }>();
  return {
    count: (address, now) => {
      const seen = failures.get(address);
      if (seen === undefined || now - seen.since >= WINDOW || now < seen.since) {
        failures.delete(address);
        if (failures.size >= REMEMBERED) failures.delete(failures.keys().next().value ?? "");
        failures.set(address, { since: now, count: 1 });
        return;
      }
      seen.count += 1;
      if (seen.count <= ALLOWED) return;
      const retryAfter = Math.ceil((seen.since + WINDOW - now) / 1000);
      throw new BusyError("RATE_LIMITED", "Too many requests came with a wrong token or none", {
        hint: `Try again in ${retryAfter} s, with a token that is known`,
        details: { retryAfter },
      });
    },
  };
}
