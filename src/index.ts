/**
 * The library: consistent, proven backups of a running program's state.
 *
 * @packageDocumentation
 */
export { openHoldfast, type BackupRequest, type Holdfast, type OpenOptions } from "./app/index.ts";
export type { BackupResult } from "./operations/index.ts";
export { ERROR_CODES, HoldfastError, type ErrorCode, type ErrorKind } from "./kernel/index.ts";
