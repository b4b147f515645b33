import type { Listing } from "../../vault/index.ts";
import type { Instance } from "../instance.ts";
import type { SeenVault } from "../read-vault.ts";

/**
 * - `ok`: as it should be
 * - `warning`: works, and could be better
 * - `problem`: a backup or a restore will fail, or is not to be trusted
 * - `unknown`: could not be looked at
 */
export type Verdict = "ok" | "warning" | "problem" | "unknown";

/** What a check saw in one place. */
export interface Sight {
  /** Of several things that it looked at, which one. */
  readonly subject?: string;
  readonly verdict: Verdict;
  readonly seen: string;
  /** null: nothing. */
  readonly todo: string | null;
}

export interface Finding {
  readonly check: string;
  readonly subject: string | null;
  readonly verdict: Verdict;
  readonly seen: string;
  readonly todo: string | null;
}

/** The host alone: what can be looked at without a configuration. */
export interface Host {
  readonly env: NodeJS.ProcessEnv;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly versions: { readonly node: string; readonly sqlite?: string | undefined };
}

export interface Patient extends Host {
  readonly instance: Instance;
  /** Read once for all checks; rejects alike for each that asks. */
  readonly listing: () => Promise<Listing>;
  /** The same reading, with what became of the packs that any listed backup needs. */
  readonly vault: () => Promise<SeenVault>;
  /** Where a component lies now. @throws CaptureError COMPONENT_PATH */
  readonly place: (component: string) => Promise<string | null>;
}

export type Sights = readonly Sight[] | Promise<readonly Sight[]>;

export function ok(seen: string, subject?: string): Sight {
  return { verdict: "ok", seen, todo: null, ...(subject === undefined ? {} : { subject }) };
}

export function warning(seen: string, todo: string, subject?: string): Sight {
  return { verdict: "warning", seen, todo, ...(subject === undefined ? {} : { subject }) };
}

export function problem(seen: string, todo: string, subject?: string): Sight {
  return { verdict: "problem", seen, todo, ...(subject === undefined ? {} : { subject }) };
}

export function unknown(seen: string, todo: string, subject?: string): Sight {
  return { verdict: "unknown", seen, todo, ...(subject === undefined ? {} : { subject }) };
}
