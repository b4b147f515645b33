/**
 * The library: consistent, proven backups of a running program's state, and the right to do heavy work one at a time.
 *
 * @packageDocumentation
 */
export {
  openHoldfast,
  withHeavyMaintenance,
  type BackupRequest,
  type HeavyMaintenance,
  type HeavyMaintenanceOptions,
  type Held,
  type Holdfast,
  type Lease,
  type LeaseView,
  type OpenOptions,
  type RestoreRequest,
  type RestoreResult,
} from "./app/index.ts";
export type { BackupResult, LifecycleBackup } from "./operations/index.ts";
export { ERROR_CODES, HoldfastError, type ErrorCode, type ErrorKind } from "./kernel/index.ts";
