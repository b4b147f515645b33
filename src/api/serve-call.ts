import { randomBytes } from "node:crypto";
import type { AnyEndpoint, Call } from "../contract/index.ts";
import { BusyError, redact, UsageError } from "../kernel/index.ts";
import { reportLease, type LeaseView } from "../operations/index.ts";
import { jsonAnswer, problemAnswer, type PlainAnswer } from "./answers.ts";
import type { Audit, AuditLine } from "./audit.ts";
import type { FailedTokens } from "./failed-tokens.ts";
import type { Handler, Parts } from "./handler.ts";
import type { Idempotency } from "./idempotency.ts";
import type { Log } from "./log.ts";
import { isDefect } from "./problem-of.ts";
import { readCall } from "./read-call.ts";
import type { Token, Tokens } from "./tokens.ts";
import { refuseForeignHost, refuseForeignOrigin } from "./whence.ts";

export interface Desk {
  readonly parts: Parts;
  readonly tokens: Tokens;
  readonly failedTokens: FailedTokens;
  readonly idempotency: Idempotency;
  readonly audit: Audit;
  readonly log: Log;
}

export interface Arrived {
  readonly request: Request;
  readonly params: Readonly<Record<string, string>>;
  /** Of the client; "unknown" without a socket. */
  readonly address: string;
}

/** One request from its arrival to its answer; what goes wrong on the way is an answer too. */
export async function serveCall(desk: Desk, endpoint: AnyEndpoint, handler: Handler<Call>, arrived: Arrived): Promise<PlainAnswer> {
  const { request, address } = arrived;
  const call = randomBytes(8).toString("hex");
  let token: Token | null = null;
  let answer: PlainAnswer;
  try {
    // A probe asks by address; without a token it learns one word.
    if (endpoint.scope !== "none") refuseForeignHost(request, knownHosts(desk.parts));
    if (endpoint.method !== "GET") refuseForeignOrigin(request);
    token = identify(desk, endpoint, request, address);
    refuseScope(endpoint, token);
    const accept = async (by: Token | null): Promise<void> => {
      if (endpoint.changes && by !== null) await writeDown(desk, arrived, by, { call, status: null });
    };
    answer = await answerCall(desk, endpoint, handler, arrived, token, accept);
  } catch (error) {
    if (isDefect(error)) desk.log("error", `${endpoint.method} ${endpoint.path} failed: ${describe(error)}`);
    answer = problemAnswer(error);
  }
  if (endpoint.changes && token !== null) await writeDown(desk, arrived, token, { call, status: answer.status });
  return answer;
}

async function answerCall(
  desk: Desk,
  endpoint: AnyEndpoint,
  handler: Handler<Call>,
  arrived: Arrived,
  token: Token | null,
  accept: (by: Token | null) => Promise<void>,
): Promise<PlainAnswer> {
  const { request, params } = arrived;
  const read = await readCall(endpoint, request, params);
  const work = async (): Promise<PlainAnswer> => {
    if (endpoint.changes && endpoint.besideRestore !== true) await refuseDuringRestore(desk.parts);
    // Before it: a restore may end with the process that would write the line after it.
    await accept(token);
    try {
      const asked = { ...read, token, headers: request.headers, signal: request.signal } as Parameters<typeof handler>[1];
      const { status, body, headers = {}, mayEndOtherwise = false } = await handler(desk.parts, asked);
      return { ...plain(endpoint, status, body, headers), mayEndOtherwise };
    } finally {
      if (endpoint.changes) desk.parts.status.forget();
    }
  };
  const key = request.headers.get("idempotency-key");
  if (key === null || endpoint.method !== "POST") return await work();
  const what = JSON.stringify([endpoint.method, endpoint.path, params, read.text]);
  return await desk.idempotency.once({ key, who: token?.name ?? "", what, now: desk.parts.clock.now() }, () =>
    work().catch(failed(desk, endpoint)),
  );
}

function failed(desk: Desk, endpoint: AnyEndpoint): (error: unknown) => PlainAnswer {
  return (error) => {
    if (isDefect(error)) desk.log("error", `${endpoint.method} ${endpoint.path} failed: ${describe(error)}`);
    return problemAnswer(error);
  };
}

function plain(endpoint: AnyEndpoint, status: number, body: unknown, headers: Readonly<Record<string, string>>): PlainAnswer {
  const media = endpoint.answers[status]?.media;
  if (media === undefined) return jsonAnswer(status, body, headers);
  return { status, headers: { "content-type": media, ...headers }, body: body as PlainAnswer["body"] };
}

/** null where no token is needed; one that is wrong is none there, so that a probe does not fail for it. */
function identify({ tokens, failedTokens, parts }: Desk, { scope }: AnyEndpoint, request: Request, address: string): Token | null {
  const header = request.headers.get("authorization");
  if (scope === "none" && header === null) return null;
  try {
    const token = tokens.check(header);
    return scope !== "none" || token.scopes.includes("read") ? token : null;
  } catch (error) {
    if (scope === "none") return null;
    if (error instanceof UsageError) failedTokens.count(address, parts.clock.now());
    throw error;
  }
}

function refuseScope({ scope }: AnyEndpoint, token: Token | null): void {
  if (scope === "none" || token?.scopes.includes(scope) === true) return;
  throw new UsageError("FORBIDDEN", `The token "${token?.name ?? ""}" has not the scope "${scope}"`, { hint: "Use a token that has it" });
}

function knownHosts({ instance }: Parts): ReadonlySet<string> {
  const { host, allowedHosts } = instance().config.server;
  return new Set([host.includes(":") ? `[${host}]` : host, ...allowedHosts]);
}

/** While a restore runs nothing else changes anything, whichever process runs it. */
async function refuseDuringRestore(parts: Parts): Promise<void> {
  const { runs } = parts;
  const lease = runs.isRunning("restore", "undo") ? null : await leaseNow(parts).catch(() => null);
  if (!runs.isRunning("restore", "undo") && (lease === null || lease.state === "free" || lease.owner !== "restore")) return;
  throw new BusyError("RESTORE_RUNNING", "A restore runs, and nothing else changes anything until it has ended", {
    hint: "GET /runs says how far it is",
    details: { since: lease?.since ?? null, doing: lease?.doing ?? null },
  });
}

export async function leaseNow({ instance, orchestration }: Pick<Parts, "instance" | "orchestration">): Promise<LeaseView | null> {
  const open = orchestration();
  return open === null ? (await reportLease(instance())).lease : await open.keeper.inspect();
}

/** A change that could not be written down has happened all the same, and is answered as it went. */
async function writeDown(
  { audit, log, parts }: Desk,
  { request, address }: Arrived,
  token: Token,
  { call, status }: Pick<AuditLine, "call" | "status">,
): Promise<void> {
  const path = new URL(request.url).pathname.slice(0, 500);
  try {
    await audit.write({
      time: new Date(parts.clock.now()).toISOString(),
      token: token.name,
      address,
      method: request.method,
      path,
      call,
      status,
    });
  } catch (error) {
    log("error", `Cannot write the audit log: ${describe(error)}`);
  }
}

function describe(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.stack ?? error.cause.message}` : "";
  return redact(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}${cause}`);
}
