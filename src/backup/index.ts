/**
 * Takes one backup: preflight, pause, capture, confirm, commit. Knows sources and the vault's port, no form of vault,
 * no configuration file and no lease. Whatever happens, what was paused is resumed, and what is half-made is never listed.
 */
export { takeBackup, type BackupOutcome } from "./take-backup.ts";
export type { BackupProgress, TakeBackupRequest } from "./take-backup-request.ts";
export { importanceOf, type ComponentPlan, type PausePlan } from "./component-plan.ts";
export { openComponent, type OpenComponent } from "./open-component.ts";
