import { ERROR_CODES, type CodeOf, type ErrorCode, type ErrorCodeRow } from "./error-codes.ts";

/** Where in a text something is wrong; line and column count from 1. */
export interface Position {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export interface ErrorContext {
  readonly cause?: unknown;
  /** What to do about it: one sentence, no final period. */
  readonly hint?: string;
  readonly position?: Position;
  /** Facts for programs; plain JSON values. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** Every failure that has a name. One subclass per thing the caller can do about it. */
export abstract class HoldfastError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly position: Position | undefined;
  readonly details: Readonly<Record<string, unknown>> | undefined;

  constructor(code: ErrorCode, message: string, context: ErrorContext = {}) {
    super(message, context.cause === undefined ? undefined : { cause: context.cause });
    this.name = new.target.name;
    this.code = code;
    this.hint = context.hint;
    this.position = context.position;
    this.details = context.details;
  }

  get row(): ErrorCodeRow {
    return ERROR_CODES[this.code];
  }

  /** The form in which an error crosses a process or network boundary. */
  toJSON(): Record<string, unknown> {
    return {
      code: this.code,
      message: this.message,
      ...(this.hint === undefined ? {} : { hint: this.hint }),
      ...(this.position === undefined ? {} : { position: this.position }),
      ...(this.details === undefined ? {} : { details: this.details }),
    };
  }
}

/** Fix the call. */
export class UsageError extends HoldfastError {
  constructor(code: CodeOf<"usage">, message: string, context?: ErrorContext) {
    super(code, message, context);
  }
}
/** Fix the configuration. */
export class ConfigError extends HoldfastError {
  constructor(code: CodeOf<"config">, message: string, context?: ErrorContext) {
    super(code, message, context);
  }
}
/** Name something that exists. */
export class NotFoundError extends HoldfastError {
  constructor(code: CodeOf<"not-found">, message: string, context?: ErrorContext) {
    super(code, message, context);
  }
}
/** Lift what stands in the way first. */
export class ConflictError extends HoldfastError {
  constructor(code: CodeOf<"conflict">, message: string, context?: ErrorContext) {
    super(code, message, context);
  }
}
/** Wait, then try again. */
export class BusyError extends HoldfastError {
  constructor(code: CodeOf<"busy">, message: string, context?: ErrorContext) {
    super(code, message, context);
  }
}
/** Look at the protected state: it could not be captured. */
export class CaptureError extends HoldfastError {
  constructor(code: CodeOf<"capture">, message: string, context?: ErrorContext) {
    super(code, message, context);
  }
}
/** Look at the vault: what is stored cannot be trusted. */
export class DamageError extends HoldfastError {
  constructor(code: CodeOf<"damage">, message: string, context?: ErrorContext) {
    super(code, message, context);
  }
}
/** Change the host: space, permissions, file systems, versions. */
export class HostError extends HoldfastError {
  constructor(code: CodeOf<"host">, message: string, context?: ErrorContext) {
    super(code, message, context);
  }
}
/** Start it again when it suits: it was stopped from outside or by its deadline. */
export class InterruptedError extends HoldfastError {
  constructor(code: CodeOf<"interrupted">, message: string, context?: ErrorContext) {
    super(code, message, context);
  }
}
/** Report it. */
export class InternalError extends HoldfastError {
  constructor(message: string, context?: ErrorContext) {
    super("INTERNAL", message, context);
  }
}

const CLASSES = {
  usage: UsageError,
  config: ConfigError,
  "not-found": NotFoundError,
  conflict: ConflictError,
  busy: BusyError,
  capture: CaptureError,
  damage: DamageError,
  host: HostError,
  interrupted: InterruptedError,
} as const;

/** The error that toJSON() described in another process; an unknown code becomes an InternalError with its text. */
export function errorFromJson(value: unknown): HoldfastError {
  const { code, message, hint, position, details } = isRecord(value) ? value : {};
  const text = typeof message === "string" ? message : "The other process failed without a message";
  const context: ErrorContext = {
    ...(typeof hint === "string" ? { hint } : {}),
    ...(isRecord(position) ? { position: position as unknown as Position } : {}),
    ...(isRecord(details) ? { details } : {}),
  };
  if (!isErrorCode(code)) return new InternalError(text, context);
  const row: ErrorCodeRow = ERROR_CODES[code];
  if (row.kind === "internal") return new InternalError(text, context);
  const NamedError = CLASSES[row.kind] as new (code: ErrorCode, message: string, context: ErrorContext) => HoldfastError;
  return new NamedError(code, text, context);
}

/** The same failure with more to say about what to do, or about what became of everything else. */
export function addHint(failure: HoldfastError, more: string): HoldfastError {
  const sentence = more.charAt(0).toUpperCase() + more.slice(1);
  const told = errorFromJson({ ...failure.toJSON(), hint: failure.hint === undefined ? sentence : `${failure.hint}; ${more}` });
  told.cause = failure;
  return told;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === "string" && Object.hasOwn(ERROR_CODES, code);
}

/** The errno name of a system error ("ENOENT"), or undefined. */
export function errnoOf(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/**
 * Turns a system error into one with a name. Space and quota get their own code because the
 * caller can do something about them; what has a name already passes through.
 */
export function namedSystemError(error: unknown, doing: string): HoldfastError {
  if (error instanceof HoldfastError) return error;
  const errno = errnoOf(error);
  if (errno === "ENOSPC" || errno === "EDQUOT") {
    return new HostError("NO_SPACE", `Cannot ${doing}: no space left`, {
      cause: error,
      hint: "Free space on that file system, or move backup.path to a larger one",
    });
  }
  const message = messageOf(error);
  if (errno !== undefined && /^E[A-Z0-9]+$/.test(errno)) {
    return new HostError("FILE_SYSTEM", `Cannot ${doing}: ${message}`, { cause: error });
  }
  return new InternalError(`Cannot ${doing}: ${message}`, { cause: error });
}

/** What was thrown says, whatever it is. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
