/**
 * From a backup and the live state to a list of renames, as plain data.
 * Changes nothing, opens no database, and enters nothing that a component's rules leave out.
 * What speaks against a restore is collected here, each reason with whether --force goes over it.
 */
export { foldersAbove } from "./plan-context.ts";
export { planRestore } from "./plan-restore.ts";
export type { PlannedComponent, PlannedFolder, PlannedMove, Refusal, RestorePlan, RestoreTarget, TargetRules } from "./restore-plan.ts";
