import type { Problem } from "../contract/index.ts";
import { errnoOf, HoldfastError, InternalError, namedSystemError, redact, redactData, type ErrorCode } from "../kernel/index.ts";

/** What a client is told of a failure. What has no name is told as a defect, without its text: that may hold anything. */
export function problemOf(error: unknown): Problem {
  const failure = named(error);
  const { code, hint, details, row } = failure;
  const internal = row.kind === "internal";
  return {
    type: typeOf(code),
    title: row.meaning,
    status: row.http,
    detail: internal ? "Something went wrong inside; the log of the daemon says what" : redact(failure.message),
    code,
    ...(hint === undefined || internal ? {} : { hint: redact(hint) }),
    ...(details === undefined || internal ? {} : { details: redactData(details) as Record<string, unknown> }),
  };
}

function named(error: unknown): HoldfastError {
  if (error instanceof HoldfastError) return error;
  const errno = errnoOf(error);
  if (errno === "ENOSPC" || errno === "EDQUOT") return namedSystemError(error, "do what was asked");
  return new InternalError("Unnamed", { cause: error });
}

function typeOf(code: ErrorCode): string {
  return `urn:holdfast:error:${code.toLowerCase().replaceAll("_", "-")}`;
}

/** Whether the log has to say more than the client is told. */
export function isDefect(error: unknown): boolean {
  return named(error).row.kind === "internal";
}
