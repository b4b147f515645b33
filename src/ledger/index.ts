/**
 * The durable record of one instance: what ran and what became of it, what was deferred behind whom and for how long, what
 * fails since when. Decides nothing and protects nothing: when it is lost, tasks are due again and no backup waits for it.
 */
export { keepInPlace, replaceDamaged } from "./keep-in-place.ts";
export { findLedger, openLedger } from "./open-ledger.ts";
export { bePresent, sweepPresences, type Presence } from "./presence.ts";
export type { Obstacle, Outcome, RunEnd, RunRecord, Streak, TaskRecord, Waiter } from "./records.ts";
export type { ClaimRequest, SqliteLedger } from "./sqlite-ledger.ts";
