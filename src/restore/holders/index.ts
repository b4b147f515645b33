/**
 * Which processes have the files of a restore open.
 * Looks and never touches: no file is opened, no lock is taken, no process is signalled.
 * What cannot be seen makes the answer unknown, and unknown is not "none".
 */
export { findHolders, type HolderTarget } from "./find-holders.ts";
