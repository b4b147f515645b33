import type { Problem } from "../contract/index.ts";
import { problemOf } from "./problem-of.ts";

/** On every answer: nothing here is a page, is kept, or is framed. */
const ALWAYS: Readonly<Record<string, string>> = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
};

/** An answer before it is sent: plain data, so that it can be kept and given again. */
export interface PlainAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null | ReadableStream<Uint8Array>;
  /** The same request may be answered otherwise later, although this is no failure. */
  readonly mayEndOtherwise?: boolean;
}

export function jsonAnswer(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): PlainAnswer {
  if (body === null) return { status, headers, body: null };
  return { status, headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(body) };
}

export function problemAnswer(error: unknown): PlainAnswer {
  const problem: Problem = problemOf(error);
  const extra: Record<string, string> = {};
  if (problem.status === 401) extra["www-authenticate"] = 'Bearer realm="holdfast"';
  const after = problem.details?.["retryAfter"];
  if (typeof after === "number") extra["retry-after"] = String(after);
  const allowed = problem.details?.["allowed"];
  if (problem.status === 405 && Array.isArray(allowed)) extra["allow"] = allowed.join(", ");
  return { ...jsonAnswer(problem.status, problem, extra), headers: { "content-type": "application/problem+json", ...extra } };
}

export function toResponse({ status, headers, body }: PlainAnswer): Response {
  return new Response(body, { status, headers: { ...ALWAYS, ...headers } });
}
