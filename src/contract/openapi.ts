import * as z from "zod/mini";
import type { ErrorCode, ErrorCodeRow } from "../kernel/index.ts";
import { ALSO_AT_TOP, ENDPOINTS, PREFIX } from "./endpoints.ts";
import type { AnyEndpoint } from "./endpoint.ts";
import { EVENT } from "./events.ts";
import { PROBLEM } from "./problem.ts";
import { DOCUMENTS, IN_ADDRESS, type Schema } from "./schema.ts";

type Json = Readonly<Record<string, unknown>>;

/** What every route may answer with; those that read a body also the last three. */
const ALWAYS: readonly ErrorCode[] = ["USAGE", "HOST_REFUSED", "FILE_SYSTEM", "ENGINE_KILLED", "INTERNAL"];
const WITH_TOKEN: readonly ErrorCode[] = ["UNAUTHENTICATED", "FORBIDDEN", "RATE_LIMITED", "TOKENS_INVALID"];
const WITH_CHANGE: readonly ErrorCode[] = ["ORIGIN_REFUSED", "ENGINE_KILLED"];
const WITH_BODY: readonly ErrorCode[] = ["PAYLOAD_TOO_LARGE", "MEDIA_TYPE_UNSUPPORTED", "IDEMPOTENCY_MISMATCH"];

/** Every code that an endpoint may answer with. */
export function errorsOf(endpoint: AnyEndpoint): readonly ErrorCode[] {
  return [
    ...ALWAYS,
    ...(endpoint.scope === "none" ? [] : WITH_TOKEN),
    ...(endpoint.method === "GET" ? [] : ["ORIGIN_REFUSED" as const]),
    ...(endpoint.changes ? WITH_CHANGE : []),
    ...(endpoint.changes && endpoint.besideRestore !== true ? ["RESTORE_RUNNING" as const] : []),
    ...(endpoint.method === "POST" ? WITH_BODY : []),
    ...endpoint.errors,
  ].filter((code, index, all) => all.indexOf(code) === index);
}

/**
 * The OpenAPI 3.1 document of the table.
 *
 * @param errors the kernel's table of error codes, of which this room knows only the types
 */
export function openApi(version: string, errors: Readonly<Record<ErrorCode, ErrorCodeRow>>): Json {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const [name, endpoint] of Object.entries(ENDPOINTS) as [string, AnyEndpoint][]) {
    const operation = operationOf(name, endpoint, errors);
    (paths[`${PREFIX}${endpoint.path}`] ??= {})[endpoint.method.toLowerCase()] = operation;
    if (ALSO_AT_TOP.includes(endpoint.path)) paths[endpoint.path] = { get: { ...operation, operationId: `${name}AtTop` } };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Holdfast",
      version,
      description: "Consistent, proven backups and a heavy-maintenance lease for AI-agent orchestrators",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "http://127.0.0.1:7420" }],
    security: [{ token: [] }],
    paths,
    components: { schemas: documents(), securitySchemes: { token: { type: "http", scheme: "bearer" } } },
  };
}

function operationOf(name: string, endpoint: AnyEndpoint, errors: Readonly<Record<ErrorCode, ErrorCodeRow>>): Json {
  const parameters = [
    ...parametersOf("path", endpoint.params),
    ...parametersOf("query", endpoint.query),
    ...(endpoint.method === "POST" ? [IDEMPOTENCY_KEY] : []),
  ];
  return {
    operationId: name,
    summary: endpoint.summary,
    description: endpoint.scope === "none" ? "Needs no token." : `Needs a token with the scope \`${endpoint.scope}\`.`,
    ...(endpoint.scope === "none" ? { security: [{}, { token: [] }] } : {}),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(endpoint.body === undefined
      ? {}
      : { requestBody: { required: needsBody(endpoint.body), content: { "application/json": { schema: schemaOf(endpoint.body) } } } }),
    responses: { ...answersOf(endpoint), ...problemsOf(errorsOf(endpoint), errors) },
  };
}

const IDEMPOTENCY_KEY: Json = {
  name: "Idempotency-Key",
  in: "header",
  required: false,
  description: "The same key with the same body answers the same for a day, and runs once",
  schema: { type: "string", minLength: 1, maxLength: 128 },
};

function answersOf(endpoint: AnyEndpoint): Json {
  return Object.fromEntries(
    Object.entries(endpoint.answers).map(([status, { means, schema, media }]) => {
      if (schema !== null) return [status, { description: means, content: { "application/json": { schema: schemaOf(schema) } } }];
      if (media === undefined) return [status, { description: means }];
      const text = media === "application/octet-stream" ? { type: "string", format: "binary" } : { type: "string" };
      return [status, { description: means, content: { [media]: { schema: text } } }];
    }),
  );
}

/** One response for each status, with the codes that come with it; a status that the endpoint answers itself stays its own. */
function problemsOf(codes: readonly ErrorCode[], errors: Readonly<Record<ErrorCode, ErrorCodeRow>>): Json {
  const byStatus = new Map<number, string[]>();
  for (const code of codes)
    byStatus.set(errors[code].http, [...(byStatus.get(errors[code].http) ?? []), `\`${code}\`: ${errors[code].meaning}`]);
  return Object.fromEntries(
    [...byStatus].map(([status, lines]) => [
      String(status),
      { description: lines.join("; "), content: { "application/problem+json": { schema: schemaOf(PROBLEM) } } },
    ]),
  );
}

function parametersOf(place: "path" | "query", schema: Schema<unknown> | undefined): Json[] {
  if (schema === undefined) return [];
  const { properties = {}, required = [] } = plain(schema) as { properties?: Record<string, Json>; required?: readonly string[] };
  return Object.entries(properties).map(([name, json]) => ({ name, in: place, required: required.includes(name), schema: json }));
}

function needsBody(schema: Schema<unknown>): boolean {
  return !schema.safeParse({}).success;
}

/** By its name where it has one. */
function schemaOf(schema: Schema<unknown>): Json {
  const id = DOCUMENTS.get(schema)?.id;
  return id === undefined ? plain(schema) : { $ref: refOf(id) };
}

const refOf = (id: string): string => `#/components/schemas/${id}`;

function plain(schema: Schema<unknown>): Json {
  const { $schema: _dialect, ...json } = z.toJSONSchema(schema, { io: "input", override: inAddress });
  return json;
}

/** Text of an address that is read as a number or a flag is described as what it is read as. */
function inAddress({ zodSchema, jsonSchema }: { readonly zodSchema: z.core.$ZodType; readonly jsonSchema: Record<string, unknown> }): void {
  const told = IN_ADDRESS.get(zodSchema);
  if (told === undefined) return;
  for (const key of Object.keys(jsonSchema)) delete jsonSchema[key];
  Object.assign(jsonSchema, told.json);
}

function documents(): Json {
  // Told to the registry by being made; the events are in no answer of JSON.
  if (!DOCUMENTS.has(EVENT)) throw new Error("The document of events has no name");
  const { schemas } = z.toJSONSchema(DOCUMENTS, { io: "input", uri: refOf });
  return Object.fromEntries(
    Object.entries(schemas)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, schema]) => {
        const { $schema: _dialect, $id: _id, ...json } = schema as Record<string, unknown>;
        return [name, json];
      }),
  );
}
