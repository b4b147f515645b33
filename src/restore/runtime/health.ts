import { followPointer, messageOf, monotonicNow, pause, pointerKeys, redact, runCommand, type ProgramPlace } from "../../kernel/index.ts";
import { failureOf } from "./runtime.ts";

/** How to know that the runtime works. */
export type HealthCheck =
  | {
      readonly url: string;
      readonly status: number;
      /** Expected values by JSON pointer (RFC 6901). */
      readonly expect: Readonly<Record<string, string | number | boolean | null>>;
      /** Milliseconds until it must be healthy. */
      readonly timeout: number;
    }
  | { readonly command: readonly string[]; readonly timeout: number };

export interface Health {
  readonly healthy: boolean;
  /** What the last attempt found. */
  readonly problem: string | null;
  readonly attempts: number;
}

export interface HealthContext extends Partial<ProgramPlace> {
  readonly signal?: AbortSignal;
}

/** Between two attempts, and the longest that one may take. Milliseconds. */
const PAUSE = 500;
const ATTEMPT = 10_000;
/** Of an answer. Bytes. */
const LARGEST = 1024 * 1024;

/** Asks until the runtime is healthy or its time is over: a program that was just started may need a while. */
export async function awaitHealth(check: HealthCheck, context: HealthContext): Promise<Health> {
  const deadline = monotonicNow() + check.timeout;
  for (let attempts = 1; ; attempts += 1) {
    context.signal?.throwIfAborted();
    const left = Math.max(1, deadline - monotonicNow());
    const problem = await ask(check, Math.min(ATTEMPT, left), context);
    if (problem === null) return { healthy: true, problem: null, attempts };
    if (monotonicNow() + PAUSE >= deadline) return { healthy: false, problem: redact(problem), attempts };
    await pause(PAUSE, context.signal);
  }
}

async function ask(check: HealthCheck, within: number, context: HealthContext): Promise<string | null> {
  return "url" in check ? await askAddress(check, within, context) : await askCommand(check.command, within, context);
}

async function askCommand(argv: readonly string[], within: number, { signal, ...place }: HealthContext): Promise<string | null> {
  try {
    const result = await runCommand(argv, {
      ...place,
      timeout: within,
      ...(signal === undefined ? {} : { signal }),
    });
    return failureOf(argv, Math.round(within), result);
  } catch (error) {
    signal?.throwIfAborted();
    return `"${argv[0]}" cannot be run: ${messageOf(error)}`;
  }
}

async function askAddress(check: Extract<HealthCheck, { url: string }>, within: number, { signal }: HealthContext): Promise<string | null> {
  const limit = AbortSignal.timeout(Math.ceil(within));
  try {
    // A redirect leads to somebody who was not named: a login page answers 200 as well.
    const response = await fetch(check.url, {
      redirect: "manual",
      signal: signal === undefined ? limit : AbortSignal.any([limit, signal]),
    });
    const text = await readLimited(response);
    if (response.status !== check.status) return `it answered with status ${response.status}, not ${check.status}`;
    return differenceOf(text, check.expect);
  } catch (error) {
    signal?.throwIfAborted();
    if (limit.aborted) return "it did not answer in time";
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    return `it cannot be asked: ${cause instanceof Error ? cause.message || cause.name : String(cause)}`;
  }
}

async function readLimited(response: Response): Promise<string> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    size += piece.length;
    if (size > LARGEST) throw new Error(`the answer has more than ${LARGEST} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString("utf8");
}

function differenceOf(text: string, expect: Readonly<Record<string, unknown>>): string | null {
  const expected = Object.entries(expect);
  if (expected.length === 0) return null;
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    return "the answer is not JSON";
  }
  for (const [pointer, wanted] of expected) {
    const { value } = followPointer(data, pointerKeys(pointer));
    if (value !== wanted)
      return `${pointer} is ${value === undefined ? "not there" : JSON.stringify(value).slice(0, 100)}, not ${JSON.stringify(wanted)}`;
  }
  return null;
}
