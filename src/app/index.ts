/**
 * The composition root: from a configuration to an instance, and the library's Holdfast, whose engine is a child process.
 * The only room that constructs concretes. Opens no file of a component.
 */
export type {
  BackupRequest,
  HeavyMaintenance,
  HeavyMaintenanceOptions,
  Holdfast,
  OpenOptions,
  RestoreRequest,
  RestoreResult,
} from "./holdfast.ts";
export { openHoldfast } from "./open-holdfast.ts";
export { withHeavyMaintenance } from "./with-heavy-maintenance.ts";
export type { Held, Lease, LeaseView } from "../lease/index.ts";
export { instanceOf, openInstance, type OpenInstanceOptions } from "./open-instance.ts";
