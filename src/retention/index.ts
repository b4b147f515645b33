/**
 * Which backups stay, and why: a pure function of the backups with their verdicts, the policy, and the time.
 * - Everything is decided for each component over the backups good for it; a backup stays while any component keeps it.
 * - Raising a number of the policy never removes more; a backup that is not good never takes the place of one that is.
 * - The newest of all stays, and for each component the newest good and the newest verified.
 * - Where the clock cannot be right it refuses, and decides nothing. It removes nothing itself.
 */
export { describeDecision } from "./describe-decision.ts";
export { planRetention, type RetentionDecision } from "./plan-retention.ts";
export type { RetentionPolicy } from "./policy.ts";
export { protections } from "./protections.ts";
