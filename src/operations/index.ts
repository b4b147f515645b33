/**
 * The use cases, one file each: what the command, the library and later the HTTP API all call. The only room that joins
 * the ones below it. Prints nothing, asks nothing; progress and results are values.
 */
export { adopt, vaultOwner } from "./adopt.ts";
export { backup, type BackupOptions } from "./backup.ts";
export type { Detected, Detection } from "./detect.ts";
export { backupResult, type BackupResult } from "./backup-result.ts";
export { bundle, type BundleReport } from "./bundle.ts";
export { keepSecrets } from "./bundle-redaction.ts";
export { diff, type Difference, type DiffResult } from "./diff.ts";
export { doctor, type DoctorReport, type Finding, type Verdict } from "./doctor/index.ts";
export { dryRun, type DryRun } from "./dry-run.ts";
export { init, type InitOptions, type InitResult } from "./init.ts";
export type { EngineRun, Instance } from "./instance.ts";
export {
  addGivenKey,
  checkKey,
  findSlot,
  generateKey,
  newRecoveryCode,
  readGivenSecrets,
  removeSlot,
  rotate,
  slotsOf,
  type GivenSecrets,
  type KeyCheckReport,
  type NewCode,
} from "./keys/index.ts";
export { describeSlot, type SlotFacts } from "../repository/index.ts";
export { breakLease, repairLease, reportLease, type LeaseBreak, type LeaseReport } from "./lease.ts";
export type { LeaseView } from "../lease/index.ts";
export {
  beforeMigration,
  migrate,
  MIGRATION_WAIT,
  shutdown,
  startup,
  type LifecycleBackup,
  type MigrateRequest,
  type Migration,
} from "./lifecycle/index.ts";
export { list } from "./list.ts";
export { runBackupEngine } from "./lost-backup.ts";
export { damageIn, splitLocked } from "./read-listing.ts";
export { cat, find, ls, type Found, type LookedAt } from "./look.ts";
export { secretless, testNotify, type Trial } from "./notify/index.ts";
export { pin, unpin } from "./pin.ts";
export { describeDecision } from "../retention/index.ts";
export { prune, type PruneReport } from "./prune.ts";
export { protect, type Protected } from "./protect.ts";
export { planRecovery, readPathMaps, writeRecovered, type RecoveredComponent, type Recovery } from "./recover/index.ts";
export { findRemovable, remove, undelete, type Removable } from "./removal.ts";
export { restore, type RestoreOptions } from "./restore.ts";
export { planInPlace, restoreInPlace, type InPlaceOptions, type InPlaceReport } from "./restore-in-place.ts";
export type { RestorePlan } from "../restore/index.ts";
export { orchestrate, type Orchestration } from "./orchestrate.ts";
export { listTasks, recordedRun, recordedRuns, taskHistory, type TaskStatus } from "./list-tasks.ts";
export { runTask, type TaskRun } from "./run-task.ts";
export { runUnderLease, type LeaseRun, type LeaseRunRequest } from "./run-under-lease.ts";
export { metricsText, writeMetrics } from "./serve-metrics.ts";
export { pendingRestore, runningRestore, settleRestore } from "./settle-restore.ts";
export { findUndo, undoRestore, type UndoReport } from "./undo-restore.ts";
export { show } from "./show.ts";
export { deciding, status, type ComponentStatus, type Status } from "./status.ts";
export { exportTo, importFrom } from "./transfer.ts";
export { describeHeld } from "./under-lease.ts";
export { secretsOf } from "./vault-secrets.ts";
export { verify, type VerifyReport } from "./verify.ts";
export type { VerifyResult } from "./verify-one.ts";
export type { VerifiedSample } from "./verify-sample.ts";
