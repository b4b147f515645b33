import type { Beginning, LeaseView } from "./view.ts";

/** The variable that carries the token to whoever a holder starts. */
export const LEASE_VARIABLE = "HOLDFAST_LEASE";
/** The number under which children have the beacon: scripts use 3 to 9 themselves. */
export const LEASE_DESCRIPTOR = 40;

export interface AcquireRequest {
  /** Who asks: the name of a task or a script. Up to 200 characters. */
  readonly owner: string;
  /** Why, for people. */
  readonly reason?: string;
  /** Value of HOLDFAST_LEASE in the asker's environment: a child joins its parent's lease. */
  readonly token?: string;
  /** Milliseconds to wait for others; 0 unless told. */
  readonly wait?: number;
  /** A restore takes a lease that is reserved for somebody else. */
  readonly overReservation?: boolean;
  readonly signal?: AbortSignal;
  /** Called once, when the first answer was that somebody else holds it and there is time to wait. */
  readonly onWaiting?: (held: Held) => void;
}

/** Somebody else's turn. Never an error. */
export interface Held {
  readonly outcome: "held";
  /** null when the store could not be read in time. */
  readonly holder: LeaseView | null;
  /** The store stayed locked for longer than an answer may take. */
  readonly contended: boolean;
  /** The lease is free, and kept for this owner. */
  readonly reservedFor: string | null;
}

export interface Acquired {
  /** `inherited`: this process works under its parent's lease. */
  readonly outcome: "acquired" | "inherited";
  readonly lease: Lease;
  /** The holder before died without releasing. */
  readonly afterDeadHolder: boolean;
  /** The token was no longer, or never, the lease's: a lease of our own was asked for instead. */
  readonly foreignToken: boolean;
}

export type AcquireOutcome = (Held & { readonly foreignToken: boolean }) | Acquired;

export interface LeaseProgress {
  /** What is being done, for people. */
  readonly doing: string;
  /** From 0 to 1; null when nobody knows. */
  readonly progress?: number | null;
}

/**
 * - `released`: the lease is free
 * - `draining`: children still work under it; it is free when the last one ends
 * - `left`: this process had joined, and its parent holds on
 * - `not-owner`: somebody else has it by now; nothing was changed
 * - `missing`: it was free already
 */
export type ReleaseOutcome = "released" | "draining" | "left" | "not-owner" | "missing";

/** The right to do heavy work, held. Ends with `release`, and at the latest with the process and all of its children. */
export interface Lease extends AsyncDisposable {
  readonly owner: string;
  /** Only grows, over all holders. */
  readonly generation: number;
  readonly inherited: boolean;
  /** What a child's environment needs so that it joins this lease. */
  readonly environment: Readonly<Record<typeof LEASE_VARIABLE, string>>;
  /** To pass on to children as descriptor LEASE_DESCRIPTOR, so that the lease is held while one of them lives. */
  readonly descriptor: number;
  /**
   * Cheap; before a long phase.
   *
   * @throws ConflictError LEASE_LOST · HostError LEASE_STORE_*
   */
  check(): Promise<void>;
  /**
   * Runs one irreversible step that nobody can break into. The step may take seconds; no fence and no release inside it.
   *
   * @throws ConflictError LEASE_LOST, and then the step has not run
   */
  fence<T>(label: string, step: () => Promise<T> | T): Promise<T>;
  /** Writes down that a child works under this lease, before it is let go. */
  addChild(pid: number, label: string): Promise<void>;
  /** Says how far the work is; never fails it. */
  progress(state: LeaseProgress): void;
  /** Somebody waits and has asked for room. */
  shouldYield(): boolean;
  /** Idempotent. The lease is gone for this process whatever the answer. */
  release(): Promise<ReleaseOutcome>;
}

export interface BreakReport {
  readonly outcome: "broken" | "missing";
  /** Who held it; null when nobody did. */
  readonly before: LeaseView | null;
  /** What still runs of it, which nothing can fence. */
  readonly survivors: readonly Beginning[];
  /** For whom it was kept while nobody held it, and is not any more; null when it was not. */
  readonly unreserved: string | null;
}

/**
 * Who may do heavy work. An attempt to take it answers within a quarter of a second, whatever holders do, unless it was told
 * to wait; what people ask for within two. Nothing waits in the thread of the caller. Errors of the store are HoldfastErrors LEASE_STORE_*, and never mean "free".
 */
export interface LeaseKeeper extends AsyncDisposable {
  acquire(request: AcquireRequest): Promise<AcquireOutcome>;
  /** Writes nothing; null when there never was a lease here. */
  inspect(): Promise<LeaseView | null>;
  /** Asks the holder to make room. Nothing happens when there is none. */
  requestYield(by: string): Promise<void>;
  /** Keeps the next free lease for an owner of this process; false when it is kept for another already. */
  reserve(owner: string): Promise<boolean>;
  withdraw(owner: string): Promise<void>;
  /**
   * Takes the lease from its holder.
   *
   * @throws ConflictError LEASE_FENCED while the holder is inside a fence
   */
  break(): Promise<BreakReport>;
  /**
   * Makes the store anew when it is missing, unreadable or an older copy; its number goes on growing.
   *
   * @throws ConflictError LEASE_IN_USE while anybody is alive who may hold it
   */
  repair(): Promise<"repaired" | "sound">;
}
