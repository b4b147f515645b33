import { ENDPOINTS, PREFIX } from "./endpoints.ts";
import type { AnyEndpoint, Call } from "./endpoint.ts";
import type { Calls } from "./calls.ts";
import { PROBLEM, type Problem } from "./problem.ts";

/** What a call is given: the parts that it has, optional where everything in them is. */
type Given<C extends Call> = Needs<"params", C["params"]> & Needs<"query", C["query"]> & Needs<"body", C["body"]> & CallOptions;
type Needs<Name extends string, Value> = [Value] extends [object]
  ? {} extends Value
    ? { readonly [N in Name]?: Value }
    : { readonly [N in Name]: Value }
  : { readonly [N in Name]?: undefined };

export interface CallOptions {
  readonly signal?: AbortSignal;
  /** Of a POST: the same key and body run once. */
  readonly idempotencyKey?: string;
}

/** One function for each route; it gives status and body of an answer that is no failure. */
export type Client = {
  readonly [Name in keyof Calls]: {} extends Given<Calls[Name]>
    ? (given?: Given<Calls[Name]>) => Promise<Calls[Name]["answer"]>
    : (given: Given<Calls[Name]>) => Promise<Calls[Name]["answer"]>;
};

export interface ClientOptions {
  /** "http://127.0.0.1:7420" */
  readonly url: string;
  /** Not for health and readiness. */
  readonly token?: string;
  readonly fetch?: typeof fetch;
}

/** A failure that the server has a name for, or an answer that is none of this API's. */
export class ApiError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail);
    this.name = "ApiError";
    this.problem = problem;
  }
}

/**
 * Typed calls to the API, for browsers and Node.
 *
 * @example
 * const client = createClient({ url: "http://127.0.0.1:7420", token });
 * const { body } = await client.takeBackup({ body: { tags: ["before-upgrade"] } });
 */
export function createClient(options: ClientOptions): Client {
  const calls = (Object.entries(ENDPOINTS) as [string, AnyEndpoint][]).map(([name, endpoint]) => [
    name,
    (given: AnyGiven = {}) => call(options, endpoint, given),
  ]);
  return Object.fromEntries(calls) as Client;
}

interface AnyGiven extends CallOptions {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
}

async function call(options: ClientOptions, endpoint: AnyEndpoint, given: AnyGiven): Promise<{ status: number; body: unknown }> {
  const headers: Record<string, string> = {};
  if (options.token !== undefined) headers["authorization"] = `Bearer ${options.token}`;
  if (given.idempotencyKey !== undefined) headers["idempotency-key"] = given.idempotencyKey;
  if (endpoint.body !== undefined) headers["content-type"] = "application/json";
  const response = await (options.fetch ?? fetch)(addressOf(options.url, endpoint, given), {
    method: endpoint.method,
    headers,
    ...(endpoint.body === undefined ? {} : { body: JSON.stringify(given.body ?? {}) }),
    ...(given.signal === undefined ? {} : { signal: given.signal }),
  });
  const { status } = response;
  const answer = endpoint.answers[status];
  if (answer === undefined) throw new ApiError(await problemOf(response));
  if (answer.schema !== null) return { status, body: await response.json() };
  if (answer.media === "text/plain") return { status, body: await response.text() };
  return { status, body: answer.media === undefined ? null : response.body };
}

function addressOf(url: string, endpoint: AnyEndpoint, { params = {}, query = {} }: AnyGiven): string {
  const path = endpoint.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? ""));
  const words = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [`${encodeURIComponent(name)}=${encodeURIComponent(value)}`],
  );
  return `${url.replace(/\/+$/, "")}${PREFIX}${path}${words.length === 0 ? "" : `?${words.join("&")}`}`;
}

async function problemOf(response: Response): Promise<Problem> {
  const read = PROBLEM.safeParse(await response.json().catch(() => null));
  if (read.success) return read.data;
  const detail = `The server answered ${response.status} with something that is no problem document`;
  return { type: "about:blank", title: "Not an answer of this API", status: response.status, detail, code: "INTERNAL" };
}
