import { Validator } from "@seriousme/openapi-schema-validator";
import { describe, expect, it } from "vitest";
import { ENDPOINTS, NOT_BUILT, openApi, PREFIX, type AnyEndpoint } from "../../src/contract/index.ts";
import { ERROR_CODES } from "../../src/kernel/index.ts";

type Json = { readonly [key: string]: Json } & readonly Json[] & string;

function everyObject(value: unknown, visit: (object: Record<string, unknown>) => void): void {
  if (typeof value !== "object" || value === null) return;
  if (!Array.isArray(value)) visit(value as Record<string, unknown>);
  for (const inner of Object.values(value)) everyObject(inner, visit);
}

/** Everything that the API is to have, below its prefix. */
const ROUTES = `
  POST /admin/backup · GET /admin/backups · GET /admin/backups/{id} · DELETE /admin/backups/{id}
  GET /admin/backups/{id}/entries · GET /admin/backups/{id}/diff · GET /admin/backups/{id}/content · GET /admin/search
  POST /admin/restore · POST /admin/restore/plan · POST /admin/restore/undo
  POST /admin/verify · POST /admin/backups/{id}/verify · POST /admin/backups/{id}/drill · POST /admin/backups/{id}/pin · DELETE /admin/backups/{id}/pin
  GET /admin/retention · POST /admin/prune
  GET /status · GET /lease · GET /tasks · GET /runs · GET /runs/{id} · GET /doctor · GET /config · POST /tasks/{name}/run
  POST /lifecycle/startup · POST /lifecycle/shutdown · POST /lifecycle/pre-migration
  GET /events · GET /health · GET /ready · GET /metrics · GET /openapi.json`
  .split(/[·\n]/)
  .map((route) => route.trim())
  .filter((route) => route !== "");

describe("ENDPOINTS", () => {
  it("has every route that is described, and no other; a drill alone is not built yet", () => {
    const built = (Object.values(ENDPOINTS) as AnyEndpoint[]).map(({ method, path }) => `${method} ${path}`);
    const refused = NOT_BUILT.map(({ method, path }) => `${method} ${path}`);
    expect([...built, ...refused].toSorted()).toEqual(ROUTES.toSorted());
    expect(refused).toEqual(["POST /admin/backups/{id}/drill"]);
  });
});

describe("openApi()", () => {
  const document = openApi("1.2.3", ERROR_CODES) as Json;

  it("is OpenAPI 3.1 by its own rules: references resolve, operations are told apart, path parameters are declared", () => {
    expect(document["openapi"]).toBe("3.1.0");
    expect(document["info"]).toMatchObject({ title: "Holdfast", version: "1.2.3" });
    expect(JSON.parse(JSON.stringify(document))).toEqual(document);
    let references = 0;
    everyObject(document, (object) => {
      const reference = object["$ref"];
      if (typeof reference !== "string") return;
      references += 1;
      expect(reference).toMatch(/^#\/components\/schemas\/[A-Za-z]+$/);
      expect(Object.keys(document["components"]?.["schemas"] ?? {})).toContain(reference.split("/").at(-1));
    });
    expect(references).toBeGreaterThan(50);
    const ids: string[] = [];
    for (const [path, item] of Object.entries(document["paths"] ?? {})) {
      expect(path).toMatch(/^\/[A-Za-z0-9/{}.-]+$/);
      for (const [method, operation] of Object.entries(item)) {
        expect(["get", "post", "delete"]).toContain(method);
        ids.push(String(operation["operationId"]));
        const parameters = (operation["parameters"] ?? []) as readonly Json[];
        const inPath = parameters.filter((one) => one["in"] === "path");
        expect(inPath.map((one) => `{${one["name"]}}`).toSorted(), path).toEqual((path.match(/\{\w+\}/g) ?? []).toSorted());
        for (const one of inPath) expect(one["required"]).toBe(true);
        for (const one of parameters) expect(one["schema"], `${path} ${one["name"]}`).toHaveProperty("type");
        expect(new Set(parameters.map((one) => `${one["in"]} ${one["name"]}`)).size).toBe(parameters.length);
        const responses = Object.entries(operation["responses"] ?? {});
        expect(responses.some(([status]) => status.startsWith("2"))).toBe(true);
        for (const [status, response] of responses) {
          expect(status).toMatch(/^[2-5]\d\d$/);
          expect(response["description"]).not.toBe("");
        }
      }
    }
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toEqual(expect.arrayContaining(Object.keys(ENDPOINTS)));
  });

  it("validates against the schema of OpenAPI 3.1, by a validator that refuses what is none", async () => {
    const validate = async (change: Record<string, unknown>): Promise<{ valid: boolean; errors?: unknown; version: string }> => {
      const validator = new Validator();
      return { ...(await validator.validate({ ...(structuredClone(document) as object), ...change })), version: validator.version };
    };
    expect(await validate({})).toEqual({ valid: true, version: "3.1" });
    const status = { get: { responses: { OK: { description: "No status" } } } };
    for (const change of [{ info: { title: "Holdfast" } }, { paths: { [`${PREFIX}/status`]: status } }, { paths: { status } }])
      expect((await validate(change)).valid, JSON.stringify(change)).toBe(false);
  });

  it("tells what a number or a flag in an address is, and which bodies are needed", () => {
    const at = (path: string, method: string): Json => document["paths"]?.[`/api/v1${path}`]?.[method] as Json;
    const parameters = at("/admin/backups", "get")["parameters"] as readonly Json[];
    expect(parameters.find((one) => one["name"] === "limit")).toEqual({
      name: "limit",
      in: "query",
      required: false,
      schema: { type: "integer", minimum: 1, maximum: 500 },
    });
    expect(at("/admin/backup", "post")["requestBody"]).toMatchObject({ required: false });
    expect(at("/admin/restore", "post")["requestBody"]).toMatchObject({ required: true });
    expect(at("/health", "get")["security"]).toEqual([{}, { token: [] }]);
  });
});
