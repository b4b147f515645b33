import createClient from "openapi-fetch";
// Made of the document that a running daemon gives, by test/e2e/api-generated-client.test.ts, which also compiles and runs this.
import type { components, paths } from "./schema.ts";

type Schemas = components["schemas"];

const [url = "", token = ""] = process.argv.slice(2);
const client = createClient<paths>({ baseUrl: url, headers: { authorization: `Bearer ${token}` } });

const before = await list();
const taken = await client.POST("/api/v1/admin/backup", {
  params: { header: { "Idempotency-Key": "a-stranger" } },
  body: { wait: true, tags: ["by-a-stranger"] },
});
if (taken.data === undefined) throw failure(taken.error);
const { backup_id } = taken.data;
// Committed or only begun: the manifest says which.
const trigger = "manifest" in taken.data ? taken.data.manifest.trigger : null;
const after = await list();

const lifecycle = await client.POST("/api/v1/lifecycle/pre-migration", { body: { from: 3, to: "4" } });
if (lifecycle.data === undefined) throw failure(lifecycle.error);
const outcome: "taken" | "off" | "deferred" | "failed" = lifecycle.data.outcome;

const unknown = await client.GET("/api/v1/admin/backups/{id}", { params: { path: { id: "2001-01-01T00-00-00_manual" } } });
if (unknown.error === undefined) throw new Error("There is no such backup");
const problem: Schemas["Problem"] = unknown.error;

// @ts-expect-error -- a restore is nothing without its confirmation
const unconfirmed = await client.POST("/api/v1/admin/restore", { body: { backup_id } });
// @ts-expect-error -- no such trigger
const mistyped = await client.GET("/api/v1/admin/backups", { params: { query: { trigger: "sometimes" } } });
// @ts-expect-error -- a status that nobody promised
const promised: Schemas["Health"]["status"] = "fine";

const health = await client.GET("/health");

console.log(
  JSON.stringify({
    before: before.map(({ id }) => id),
    backup_id,
    trigger,
    after: after.map(({ id, tags }) => ({ id, tags })),
    outcome,
    problem: { status: problem.status, code: problem.code, hint: problem.hint ?? null },
    refused: [unconfirmed.response.status, mistyped.response.status],
    health: health.data?.status,
    promised,
  }),
);

async function list(): Promise<readonly Schemas["Backup"][]> {
  const { data, error } = await client.GET("/api/v1/admin/backups", { params: { query: { limit: 5 } } });
  if (data === undefined) throw failure(error);
  return data.backups;
}

function failure({ code, detail }: Schemas["Problem"]): Error {
  return new Error(`${code}: ${detail}`);
}
