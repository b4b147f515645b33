/**
 * Takes one backup: preflight, pause, capture, confirm, commit. Knows sources and the vault's port, no form of vault,
 * no configuration file and no lease. Whatever happens, what was paused is resumed, and what is half-made is never listed.
 */
export { takeBackup, type BackupOutcome, type BackupProgress, type TakeBackupRequest } from "./take-backup.ts";
export { importanceOf, type ComponentPlan, type PausePlan } from "./component-plan.ts";
