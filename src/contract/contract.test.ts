import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, expectTypeOf, it } from "vitest";
import type { Trigger } from "../vault/index.ts";
import type { BackupStarted, BackupTaken } from "./backups.ts";
import { ApiError, createClient, type Client } from "./client.ts";
import type { Answered, AnyEndpoint } from "./endpoint.ts";
import { ENDPOINTS, NOT_BUILT } from "./endpoints.ts";
import { TRIGGERS, type TriggerName } from "./schema.ts";

describe("ENDPOINTS", () => {
  it("names no method and path twice, and takes params for every name in a path", () => {
    const rows = Object.values(ENDPOINTS) as AnyEndpoint[];
    const places = [...rows, ...NOT_BUILT].map(({ method, path }) => `${method} ${path.replaceAll(/\{\w+\}/g, "{}")}`);
    expect(new Set(places).size).toBe(places.length);
    for (const { method, path, params, body, scope, changes } of rows) {
      expect(path.includes("{"), path).toBe(params !== undefined);
      if (method === "POST") expect(body, path).toBeDefined();
      else expect(body, path).toBeUndefined();
      if (changes) expect(["operate", "restore"], path).toContain(scope);
      if (method === "GET") expect(changes, path).toBe(false);
    }
  });

  it("knows the triggers of the vault", () => {
    expectTypeOf<TriggerName>().toEqualTypeOf<Trigger>();
    expect(TRIGGERS).toHaveLength(6);
  });
});

describe("the wire", () => {
  it("imports zod and itself, and of the kernel types alone: a browser loads it", () => {
    const folder = new URL(".", import.meta.url);
    const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter(
      (name) => name.endsWith(".ts") && !name.endsWith(".test.ts"),
    );
    expect(files.length).toBeGreaterThan(10);
    for (const file of files) {
      const text = readFileSync(new URL(file, folder), "utf8");
      for (const [statement, specifier = ""] of text.matchAll(/^(?:import|export) [^;]*? from "([^"]+)";/gm))
        if (!statement.startsWith("import type")) expect(specifier, file).toMatch(/^(?:zod\/mini|\.\.?\/(?:table\/)?[a-z-]+\.ts)$/);
    }
  });
});

describe("createClient()", () => {
  it("has a function for each route, whose types are the table's", () => {
    expectTypeOf<Awaited<ReturnType<Client["takeBackup"]>>>().toEqualTypeOf<Answered<202, BackupStarted> | Answered<201, BackupTaken>>();
    expectTypeOf<Parameters<Client["showBackup"]>[0]["params"]>().toEqualTypeOf<{ readonly id: string }>();
    expectTypeOf<Client["status"]>().toBeCallableWith();
    expectTypeOf<Client["listBackups"]>().toBeCallableWith({ query: { limit: 3 } });
    expectTypeOf<Client["startup"]>().toBeCallableWith();
    expectTypeOf<Client["beforeMigration"]>().toBeCallableWith({ body: { from: 3, to: "4" } });
    // @ts-expect-error -- what is backed up is in the configuration
    expectTypeOf<Client["startup"]>().toBeCallableWith({ body: { components: ["memory"] } });
    // @ts-expect-error -- a restore is nothing without what to restore
    expectTypeOf<Client["restore"]>().toBeCallableWith({});
    // @ts-expect-error -- no such word in the query
    expectTypeOf<Client["listBackups"]>().toBeCallableWith({ query: { colour: "red" } });
  });

  it("sends what it is given, and gives an answer or throws the problem", async () => {
    const sent: Request[] = [];
    const answers = [
      Response.json({ run_id: "run-1", backup_id: "b" }, { status: 202 }),
      new Response(null, { status: 204 }),
      Response.json({ type: "t", title: "t", status: 409, detail: "It is held", code: "LEASE_HELD" }, { status: 409 }),
      new Response("<html>", { status: 502 }),
    ];
    const client = createClient({
      url: "http://127.0.0.1:7420/",
      token: "hf_a",
      fetch: async (input, init) => {
        sent.push(new Request(String(input), init));
        return answers.shift() ?? Response.error();
      },
    });
    expect(await client.takeBackup({ body: { tags: ["a"] }, idempotencyKey: "k" })).toEqual({
      status: 202,
      body: { run_id: "run-1", backup_id: "b" },
    });
    expect(await client.deleteBackup({ params: { id: "a/b?c" }, query: { force: true } })).toEqual({ status: 204, body: null });
    await expect(client.prune()).rejects.toMatchObject({ message: "It is held", problem: { code: "LEASE_HELD" } });
    await expect(client.prune()).rejects.toBeInstanceOf(ApiError);
    expect(sent[0]?.headers.get("authorization")).toBe("Bearer hf_a");
    expect(sent[0]?.headers.get("idempotency-key")).toBe("k");
    expect(await sent[0]?.json()).toEqual({ tags: ["a"] });
    expect(sent[1]).toMatchObject({ method: "DELETE", url: "http://127.0.0.1:7420/api/v1/admin/backups/a%2Fb%3Fc?force=true" });
  });
});
