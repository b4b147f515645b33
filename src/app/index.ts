/**
 * The composition root: from a configuration to an instance, and the library's Holdfast, whose engine is a child process.
 * The only room that constructs concretes. Opens no file of a component.
 */
export {
  openHoldfast,
  withHeavyMaintenance,
  type BackupRequest,
  type HeavyMaintenance,
  type HeavyMaintenanceOptions,
  type Holdfast,
  type OpenOptions,
} from "./holdfast.ts";
export type { Held, Lease, LeaseView } from "../lease/index.ts";
export { instanceOf, openInstance, type OpenInstanceOptions } from "./open-instance.ts";
