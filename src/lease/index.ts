/**
 * The right to do heavy work, held by one at a time across processes. SPEC.md has the table of states by events, the
 * invariants and their tests. Never steals: a lease ends by its release, with the death of its holder and of all that the
 * holder started, or by `break`, which a person asks for. An error of the store never means "free".
 */
export {
  LEASE_DESCRIPTOR,
  LEASE_VARIABLE,
  type Acquired,
  type AcquireOutcome,
  type AcquireRequest,
  type BreakReport,
  type Held,
  type Lease,
  type LeaseKeeper,
  type LeaseProgress,
  type ReleaseOutcome,
} from "./keeper.ts";
export type { LeaseState } from "./lease-row.ts";
export type { Beginning, LeaseView } from "./view.ts";
export { testLeaseFolder } from "./sqlite/self-test.ts";
export { sqliteLease, type SqliteLeaseOptions } from "./sqlite/sqlite-lease.ts";
