import { createHash } from "node:crypto";
import { chmodSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { fakeApi, type FakeApi } from "../../test/support/fake-api.ts";

const STATUS = "/api/v1/status";
const JSON_TYPE = { "content-type": "application/json" };

async function told(answer: Response): Promise<string> {
  return `${answer.status} ${((await answer.json()) as { code: string }).code}`;
}

function putTokens({ folder }: FakeApi, tokens: readonly unknown[]): void {
  writeFileSync(join(folder, "tokens.json"), JSON.stringify({ tokens }), { mode: 0o600 });
}

const hashOf = (text: string): string => createHash("sha256").update(text).digest("hex");

describe("the API's tokens", () => {
  it("are made at the first start: hashes in one file, one plain token for each scope, all for this account alone", async () => {
    using served = fakeApi();
    const file = JSON.parse(readFileSync(join(served.folder, "tokens.json"), "utf8")) as { tokens: { name: string; sha256: string }[] };
    expect(file.tokens.map(({ name }) => name)).toEqual(["read", "operate", "restore"]);
    expect(file.tokens[0]?.sha256).toBe(hashOf(served.token("read")));
    for (const name of ["tokens.json", "tokens/read", "tokens/operate", "tokens/restore"])
      expect(statSync(join(served.folder, name)).mode & 0o777, name).toBe(0o600);
    expect(statSync(join(served.folder, "tokens")).mode & 0o777).toBe(0o700);
    expect(served.logged.join()).not.toContain(served.token("restore"));
    expect((await served.fetch(STATUS, { as: "read" })).status).toBe(200);
  });

  it.each([
    ["no token", {}],
    ["a wrong one", { authorization: `Bearer hf_${"A".repeat(43)}` }],
    ["another scheme", { authorization: "Basic cm9vdDpyb290" }],
    ["an empty one", { authorization: "Bearer " }],
    ["a huge one", { authorization: `Bearer ${"a".repeat(10_000)}` }],
  ])("refuse %s with 401", async (_what, headers) => {
    using served = fakeApi();
    const answer = await served.fetch(STATUS, { headers });
    expect(answer.headers.get("www-authenticate")).toBe('Bearer realm="holdfast"');
    expect(await told(answer)).toBe("401 UNAUTHENTICATED");
  });

  it("refuse one that has expired, and take one that was written down meanwhile", async () => {
    using served = fakeApi();
    putTokens(served, [{ name: "short", sha256: hashOf("secret"), scopes: ["read"], expires: "2026-03-15T12:01:00Z" }]);
    const headers = { authorization: "Bearer secret" };
    expect((await served.fetch(STATUS, { headers })).status).toBe(200);
    expect(await told(await served.fetch(STATUS, { as: "read" }))).toBe("401 UNAUTHENTICATED");
    served.pass(60_000);
    expect(await told(await served.fetch(STATUS, { headers }))).toBe("401 UNAUTHENTICATED");
  });

  it("reach as far as their scopes", async () => {
    using served = fakeApi();
    const id = "2026-03-15T11-00-00_manual";
    expect(await told(await served.fetch("/api/v1/admin/backup", { method: "POST", as: "read" }))).toBe("403 FORBIDDEN");
    const restore = { method: "POST", headers: JSON_TYPE, body: JSON.stringify({ backup_id: id, confirm: id }) };
    expect(await told(await served.fetch("/api/v1/admin/restore", { ...restore, as: "operate" }))).toBe("403 FORBIDDEN");
    expect(await told(await served.fetch(`/api/v1/admin/backups/${id}/content?path=a`, { as: "operate" }))).toBe("403 FORBIDDEN");
    expect(await told(await served.fetch(`/api/v1/admin/backups/${id}/content?path=a`, { as: "restore" }))).toBe("404 BACKUP_NOT_FOUND");
  });

  it.each([
    ["others may read", (file: string) => chmodSync(file, 0o640)],
    ["is no JSON", (file: string) => writeFileSync(file, "{")],
    [
      "has an unknown scope",
      (file: string) => writeFileSync(file, `{"tokens":[{"name":"a","sha256":"${"0".repeat(64)}","scopes":["all"]}]}`),
    ],
  ])("are none at all when their file %s", async (_what, spoil) => {
    using served = fakeApi();
    spoil(join(served.folder, "tokens.json"));
    expect(await told(await served.fetch(STATUS, { as: "read" }))).toBe("503 TOKENS_INVALID");
    expect((await served.fetch("/health")).status).toBe(200);
  });

  it("cannot be made where nothing can be written, and that is said before anything is served", () => {
    expect(() => fakeApi({ server: { tokensFile: "/proc/nothing/tokens.json" } })).toThrow(
      expect.objectContaining({ code: "FILE_SYSTEM" }),
    );
  });

  it("are limited in how often they may be wrong, which keeps no right one out", async () => {
    using served = fakeApi();
    const answers: string[] = [];
    for (let n = 0; n < 25; n += 1) answers.push(await told(await served.fetch(STATUS, { headers: { authorization: "Bearer wrong" } })));
    expect(new Set(answers.slice(0, 20))).toEqual(new Set(["401 UNAUTHENTICATED"]));
    expect(new Set(answers.slice(20))).toEqual(new Set(["429 RATE_LIMITED"]));
    expect((await served.fetch(STATUS)).headers.get("retry-after")).toBe("60");
    expect((await served.fetch(STATUS, { as: "read" })).status).toBe(200);
    served.pass(60_000);
    expect(await told(await served.fetch(STATUS))).toBe("401 UNAUTHENTICATED");
  });
});

describe("the API is asked by its own names and from its own origin only", () => {
  it.each([
    ["localhost:7420", 200],
    ["[::1]:7420", 200],
    ["127.0.0.1", 200],
    ["Backup.Example", 200],
    ["backup.example.", 200],
    ["evil.example", 421],
    ["127.0.0.1.evil.example:7420", 421],
    ["192.168.1.1:7420", 421],
  ])("as %s it answers %i", async (host, status) => {
    using served = fakeApi({ server: { allowedHosts: ["backup.example"] } });
    expect((await served.fetch(STATUS, { as: "read", headers: { host } })).status).toBe(status);
    // A probe that asks by address learns one word.
    expect(await (await served.fetch("/health", { headers: { host } })).json()).toEqual({ status: "ok" });
  });

  it.each([
    ["another origin", { origin: "https://evil.example" }],
    ["another port of this machine", { origin: "http://127.0.0.1:8080" }],
    ["no origin that can be told", { origin: "null" }],
    ["a page of another site", { "sec-fetch-site": "cross-site" }],
    ["a page of the same site", { "sec-fetch-site": "same-site" }],
  ])("refuses a change that comes from %s, whatever its token", async (_what, headers) => {
    using served = fakeApi();
    const answer = await served.fetch("/api/v1/admin/prune", { method: "POST", as: "operate", headers });
    expect(answer.headers.get("access-control-allow-origin")).toBeNull();
    expect(await told(answer)).toBe("403 ORIGIN_REFUSED");
  });

  it("takes one from a page of its own", async () => {
    using served = fakeApi({ engine: () => Promise.resolve({ decisions: [], removed: [], swept: [], standsDown: null, notes: [] }) });
    const headers = { origin: "http://127.0.0.1:7420", "sec-fetch-site": "same-origin" };
    expect((await served.fetch("/api/v1/admin/prune", { method: "POST", as: "operate", headers })).status).toBe(202);
  });
});
