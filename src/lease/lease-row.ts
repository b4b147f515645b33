import type { ProcessIdentity } from "../kernel/index.ts";

/** What is stored; whether a holder lives is asked of the kernel and stored nowhere. */
export type LeaseState = "free" | "held" | "draining";

/** A process together with the namespace in which its number means something. */
export interface Seat extends ProcessIdentity {
  readonly pid_ns: string;
}

/** The one row of the lease: who holds it, and under which number. */
export interface LeaseRow {
  readonly generation: number;
  readonly state: LeaseState;
  /** The holder's secret; null exactly when the lease is free. */
  readonly token: string | null;
  readonly owner: string | null;
  /** Why it was taken, for people: "periodic-sweep:21600000". */
  readonly reason: string | null;
  /** Name of the beacon whose read end the holder keeps open. */
  readonly beacon: string | null;
  readonly holder: Seat | null;
  readonly host: string | null;
  /** Milliseconds since 1970; for display only. */
  readonly acquiredAt: number | null;
  readonly reservation: Reservation | null;
  /** Who asked the holder to make room; null when nobody did. */
  readonly yieldRequestedBy: string | null;
}

/** The next free lease is kept for this owner while the process that reserved it lives. */
export interface Reservation {
  readonly owner: string;
  readonly by: Seat;
}

/** Somebody who works under the lease beside its holder. */
export interface LeaseMember extends Seat {
  /** A child's number is its process group's as well. */
  readonly role: "child" | "joined";
  readonly label: string | null;
}
