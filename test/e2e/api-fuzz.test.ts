import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ENDPOINTS, NOT_BUILT, PREFIX, type AnyEndpoint } from "../../src/contract/index.ts";
import { BusyError } from "../../src/kernel/index.ts";
import { fakeApi, type FakeApi } from "../support/fake-api.ts";
import { fakeReader } from "../support/fake-reader.ts";
import { fakeVault } from "../support/fake-vault.ts";

const reader = fakeReader({ memory: {} }, [["memory"], ["memory/a.md", { content: "# A" }], ["memory/empty", { content: "" }]]);
const { head } = reader;
/** Open for ever, and no answer to wait for. */
const ROWS = ([...Object.values(ENDPOINTS), ...NOT_BUILT] as AnyEndpoint[]).filter(({ path }) => path !== "/events");

const word = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.constantFrom(
    head.id,
    "latest",
    "latest:verified",
    "..",
    "../..",
    "%2e%2e/",
    "%00",
    "\u0000",
    "-rf",
    "--yes",
    "run-0123456789abcdef",
    "task-1",
    "backup",
    "*.md",
    "true",
    "1",
    "1e9",
    "-1",
    "NaN",
    "__proto__",
    "constructor",
    "\uD800",
  ),
);
const KNOWN = ["limit", "cursor", "path", "glob", "with", "force", "recursive", "tag", "trigger", "component", "task", "__proto__"];
const query = fc.oneof(
  fc.constant({}),
  fc.constantFrom({ path: "memory/a.md" }, { path: "memory/empty" }, { glob: "*" }, { limit: "2" }),
  fc.dictionary(fc.oneof(fc.constantFrom(...KNOWN), word), word, { maxKeys: 4, noNullPrototype: true }),
);
const value = fc.letrec<{ any: unknown }>((tie) => ({
  any: fc.oneof(
    { depthSize: "small" },
    word,
    fc.boolean(),
    fc.double(),
    fc.constant(null),
    fc.array(tie("any"), { maxLength: 3 }),
    fc.dictionary(
      fc.oneof(
        fc.constantFrom(
          "backup_id",
          "confirm",
          "components",
          "paths",
          "tags",
          "wait",
          "force",
          "restart",
          "note",
          "restore_id",
          "budget_ms",
          "from",
          "to",
          "wait_ms",
        ),
        word,
      ),
      tie("any"),
      { maxKeys: 5 },
    ),
    fc.record(
      { backup_id: fc.constant(head.id), confirm: fc.constant(head.id), components: fc.array(word, { maxLength: 2 }), wait: fc.boolean() },
      { requiredKeys: [] },
    ),
  ),
})).any;
const text = fc.oneof(
  value.map((json) => JSON.stringify(json) ?? ""),
  fc.string({ unit: "binary", maxLength: 60 }),
  fc.constant(""),
);
const HEADERS = [
  "origin",
  "sec-fetch-site",
  "host",
  "idempotency-key",
  "last-event-id",
  "content-length",
  "authorization",
  "x-forwarded-for",
  "accept",
  "content-type",
];
const headers = fc.dictionary(
  fc.constantFrom(...HEADERS),
  fc.oneof(
    fc.constantFrom("null", "http://127.0.0.1:7420", "application/json", "Bearer x", "0", "99999999", "cross-site"),
    fc.string({ maxLength: 30 }).map((raw) => raw.replaceAll(/[^\x20-\x7E]/g, "").trim()),
  ),
  { maxKeys: 3, noNullPrototype: true },
);

function encoded(raw: string): string {
  return encodeURIComponent(raw.toWellFormed());
}

describe("any request that can be made of the table", () => {
  let served: FakeApi;
  beforeAll(() => {
    served = fakeApi({
      vault: async () => fakeVault({ backups: [head] }, { [head.id]: reader }),
      engine: () => Promise.reject(new BusyError("LEASE_HELD", "Somebody else is at work")),
    });
  });
  afterAll(() => served[Symbol.dispose]());

  it("is answered with something of the table, and never with 500", async () => {
    const seen = new Map<number, number>();
    const reached = new Set<string>();
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...ROWS),
        fc.constantFrom("GET", "POST", "DELETE", "PUT", "PATCH", "OPTIONS", null, null, null, null),
        fc.array(fc.oneof(fc.constantFrom(head.id, "latest"), word), { minLength: 2, maxLength: 2 }),
        query,
        text,
        headers,
        fc.constantFrom("read", "operate", "restore", "restore", "restore", undefined),
        async (row, method, words, given, body, more, as) => {
          const rest = [...words];
          const path = row.path.replaceAll(/\{\w+\}/g, () => encoded(rest.pop() ?? "x"));
          const search = Object.entries(given).map(([name, one]) => `${encoded(name)}=${encoded(one)}`);
          const used = method ?? row.method;
          const answer = await served.fetch(`${PREFIX}${path}${search.length === 0 ? "" : `?${search.join("&")}`}`, {
            method: used,
            headers: { "content-type": "application/json", ...more },
            ...(used === "GET" || body === "" ? {} : { body }),
            ...(as === undefined ? {} : { as }),
          });
          seen.set(answer.status, (seen.get(answer.status) ?? 0) + 1);
          if (answer.ok) reached.add(`${used} ${row.path}`);
          const told = await answer.text();
          expect(answer.status, `${used} ${path}: ${told}`).not.toBe(500);
          expect(told).not.toMatch(/node_modules|\.ts:\d|at async/);
        },
      ),
      { numRuns: 4000 },
    );
    // It is no fuzz when it is turned away at the door.
    expect([...seen.keys()]).toEqual(expect.arrayContaining([200, 400, 401, 403, 404, 405, 409]));
    expect(reached.size).toBeGreaterThan(12);
  });
});
