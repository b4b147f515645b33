import type { LeaseState } from "./lease-row.ts";

/** A process that works under the lease. */
export interface Beginning {
  readonly pid: number;
  readonly role: "holder" | "child" | "joined" | "environment";
  readonly label: string | null;
}

/** The lease as it is at this moment, for people and programs. */
export interface LeaseView {
  readonly generation: number;
  /** As stored. */
  readonly stored: LeaseState;
  /** `free` as well when whoever held it is dead. */
  readonly state: LeaseState;
  readonly owner: string | null;
  readonly reason: string | null;
  readonly pid: number | null;
  readonly host: string | null;
  /** ISO 8601, by the holder's clock. */
  readonly since: string | null;
  readonly doing: string | null;
  /** From 0 to 1. */
  readonly progress: number | null;
  /** Counts the holder's words; an observer that sees it unchanged for long sees silence. */
  readonly seq: number | null;
  /** ISO 8601: when the holder last said how far it is. */
  readonly progressAt: string | null;
  /** The irreversible step that it is inside of. */
  readonly fence: string | null;
  /** Whoever keeps it held, as far as this account can see. */
  readonly alive: readonly Beginning[];
  readonly reservedFor: string | null;
  readonly yieldRequestedBy: string | null;
}
