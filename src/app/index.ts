/**
 * The composition root: from a configuration to an instance, and the library's Holdfast, whose engine is a child process.
 * The only room that constructs concretes. Opens no file of a component.
 */
export { openHoldfast, type BackupRequest, type Holdfast, type OpenOptions } from "./holdfast.ts";
export { instanceOf, openInstance, type OpenInstanceOptions } from "./open-instance.ts";
