import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { createApi, type Api } from "../../src/api/index.ts";
import { openInstance } from "../../src/app/index.ts";
import { createClient, ENDPOINTS, errorsOf, PREFIX, PROBLEM, type AnyEndpoint, type Client } from "../../src/contract/index.ts";
import { ERROR_CODES, type ErrorCode } from "../../src/kernel/index.ts";
import type { Instance, Orchestration } from "../../src/operations/index.ts";

export interface Told {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Readonly<Record<string, unknown>>;
  readonly text: string;
}

export interface AskOptions {
  readonly token?: string | null;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

export interface TestApi {
  readonly api: Api;
  readonly instance: Instance;
  readonly token: Readonly<Record<"read" | "operate" | "restore", string>>;
  /** What was logged, level first. */
  readonly logged: readonly string[];
  /** Without a socket, with the token that may do everything unless told; the answer is held to the table. */
  ask(method: string, path: string, options?: AskOptions): Promise<Told>;
  client(token?: string): Client;
}

/** The API of an instance that lies on disk. */
export function openApi(config: string, orchestration?: (instance: Instance) => Orchestration): TestApi {
  const instance = openInstance({ config, env: { ...process.env }, cwd: process.cwd(), blocking: false });
  const logged: string[] = [];
  const opened = orchestration?.(instance) ?? null;
  const api = createApi({
    instance: () => instance,
    orchestration: () => opened,
    log: (level, message) => void logged.push(`${level} ${message}`),
  });
  const token = Object.fromEntries(
    ["read", "operate", "restore"].map((name) => [name, readFileSync(join(instance.config.stateDir, "tokens", name), "utf8").trim()]),
  ) as TestApi["token"];
  const ask: TestApi["ask"] = async (method, path, { token: given = token.restore, body, headers = {}, signal } = {}) => {
    const response = await api.fetch(
      new Request(`http://127.0.0.1:7420${path}`, {
        method,
        headers: {
          ...(given === null ? {} : { authorization: `Bearer ${given}` }),
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
        ...(signal === undefined ? {} : { signal }),
      }),
    );
    const text = await response.text();
    const json = /json/.test(response.headers.get("content-type") ?? "") ? (JSON.parse(text) as Told["body"]) : {};
    holdToTable(method, path, response, json);
    return { status: response.status, headers: response.headers, body: json, text };
  };
  const client = (own = token.restore): Client =>
    createClient({ url: "http://127.0.0.1:7420", token: own, fetch: (url, init) => api.fetch(new Request(String(url), init)) });
  return { api, instance, token, logged, ask, client };
}

/** An answer has the shape that the table says, and a problem a code that the table says. */
export function holdToTable(method: string, path: string, response: Response, body: unknown): void {
  const endpoint = endpointAt(method, path);
  for (const name of ["x-content-type-options", "content-security-policy", "cache-control"])
    expect(response.headers.has(name), name).toBe(true);
  expect(response.headers.get("access-control-allow-origin")).toBeNull();
  const answer = endpoint?.answers[response.status];
  if (answer === undefined || (answer.schema !== null && response.headers.get("content-type") === "application/problem+json")) {
    const problem = PROBLEM.parse(body);
    expect(problem.status).toBe(response.status);
    expect(ERROR_CODES[problem.code as ErrorCode].http).toBe(response.status);
    if (endpoint !== undefined)
      expect(errorsOf(endpoint), `${method} ${endpoint.path} answered ${problem.code}: ${problem.detail}`).toContain(problem.code);
    return;
  }
  if (answer.schema !== null) expect(answer.schema.parse(body)).toEqual(body);
}

/** The row of the table that an address belongs to. */
export function endpointAt(method: string, path: string): AnyEndpoint | undefined {
  const [bare = ""] = path.split("?");
  return (Object.values(ENDPOINTS) as AnyEndpoint[]).find(
    (endpoint) => endpoint.method === method && new RegExp(`^(?:${PREFIX})?${endpoint.path.replaceAll(/\{\w+\}/g, "[^/]+")}$`).test(bare),
  );
}
