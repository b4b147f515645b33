/**
 * The long-running process: looks at what is due, alone or beside the program that it protects, and stops in good order.
 * Owns no state of its own; whatever has to survive it lies in the ledger and in the lease. Opens no file of a component.
 */
export { runBeside, type RunBesideOptions } from "./run-beside.ts";
export { runDaemon, type DaemonOptions } from "./run-daemon.ts";
