/**
 * The ground floor: what every room needs and no room owns. No domain words.
 * It never prints, never exits the process, and swallows no cause.
 */
export { ERROR_CODES, type CodeOf, type ErrorCode, type ErrorCodeRow, type ErrorKind } from "./error-codes.ts";
export {
  addHint,
  BusyError,
  CaptureError,
  ConfigError,
  ConflictError,
  DamageError,
  errnoOf,
  errorFromJson,
  HoldfastError,
  HostError,
  InternalError,
  InterruptedError,
  messageOf,
  namedSystemError,
  NotFoundError,
  UsageError,
  type ErrorContext,
  type Position,
} from "./errors.ts";
export { createFile, makeFolder, removeFile, replaceFile, syncFolder } from "./atomic-file.ts";
export { monotonicNow, systemClock, type Clock } from "./clock.ts";
export { freeBuffer } from "./free-buffer.ts";
export { aTurn } from "./a-turn.ts";
export { CurrentFolder, ownProcess } from "./current-folder.ts";
export { crashpoint, CRASHPOINTS, type Crashpoint } from "./crashpoint.ts";
export { entryPath, entryPoint } from "./entry-point.ts";
export { identityAt, identityKey, identityOf, lstatAt, type FileIdentity } from "./file-identity.ts";
export { tryFileLock, type LockMode } from "./file-lock.ts";
export { freeBytes, keepsFolderTimes, unsafeFileSystem } from "./file-system-kind.ts";
export { unguarded, type Guard } from "./guard.ts";
export { HeldFolder } from "./held-folder.ts";
export { removeTree } from "./remove-tree.ts";
export { writeFully } from "./write-fully.ts";
export { followPointer, pointerKeys } from "./json-pointer.ts";
export { nearest } from "./nearest.ts";
export { startForeground, type ForegroundProgram } from "./foreground-program.ts";
export { enlisted, spawnGated, type GatedChild, type GatedChildOptions } from "./gated-child.ts";
export { pause } from "./pause.ts";
export {
  bootId,
  identityOfProcess,
  isRunning,
  lookAtProcess,
  pidNamespace,
  thisProcess,
  type ProcessIdentity,
  type ProcessState,
} from "./process-identity.ts";
export { processesOfGroup, processesWithOpenFiles, processesWithVariable } from "./process-table.ts";
export { formatBytes, formatDuration, parseBytes, parseDuration, parsePart } from "./quantity.ts";
export { redact, redactData } from "./redact.ts";
export { withholding, type ProgramPlace } from "./program-place.ts";
export { runCommand, stopGroup, type RunOptions, type RunResult } from "./run-command.ts";
export { SQLITE, sqliteCodeOf } from "./sqlite-code.ts";
export { syncFileSystem } from "./sync-file-system.ts";
export { syncFiles } from "./sync-files.ts";
export { widenThreadPool } from "./thread-pool.ts";
export { throwIfAborted } from "./throw-if-aborted.ts";
export { errorAnswer, WorkerPool, type WorkerAnswer } from "./worker-pool.ts";
export { VERSION } from "./version.ts";
export { resetV8Flags, setV8Flag } from "./v8-flags.ts";
