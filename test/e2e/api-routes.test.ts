import { writeFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ERROR_CODES } from "../../src/kernel/index.ts";
import { openApi as openApiDocument } from "../../src/contract/index.ts";
import { openApi, type TestApi } from "../support/api.ts";
import { temporaryFolder, type TemporaryFolder } from "../support/temporary-folder.ts";
import { makeWorkspace, type Workspace } from "../support/workspace.ts";

const V1 = "/api/v1";

describe("the routes of the API, in the order of a day", () => {
  let folder: TemporaryFolder;
  let place: Workspace;
  let served: TestApi;
  let id = "";

  beforeAll(() => {
    folder = temporaryFolder();
    place = makeWorkspace(folder.path, { extra: "server: { listen: '127.0.0.1:0' }\n" });
    served = openApi(place.config);
  });
  afterAll(async () => {
    await served.api.settled();
    folder[Symbol.dispose]();
  });

  it("GET /health says one word without a token, and it is the truth", async () => {
    expect(await served.ask("GET", "/health", { token: null })).toMatchObject({ status: 200, text: '{"status":"unsafe"}' });
    expect(await served.ask("GET", "/ready", { token: null })).toMatchObject({ status: 503, text: '{"status":"not ready"}' });
    const told = await served.ask("GET", `${V1}/ready`);
    expect(told).toMatchObject({ status: 503, body: { reasons: expect.arrayContaining(["persistence: never backed up"]) as string[] } });
  });

  it("GET lists nothing where nothing is yet", async () => {
    expect((await served.ask("GET", `${V1}/admin/backups`)).body).toEqual({ backups: [], next_cursor: null, total: 0, problems: [] });
    expect((await served.ask("GET", `${V1}/runs`)).body).toEqual({ runs: [] });
    expect((await served.ask("GET", `${V1}/admin/retention`)).body).toMatchObject({ decisions: [], removed: [] });
    expect(await served.ask("POST", `${V1}/admin/restore/undo`, { body: {} })).toMatchObject({
      status: 404,
      body: { code: "BACKUP_NOT_FOUND" },
    });
  });

  it("POST /admin/backup with `wait` answers 201 with the manifest", async () => {
    const taken = await served.ask("POST", `${V1}/admin/backup`, { body: { wait: true, tags: ["first"] } });
    expect(taken).toMatchObject({ status: 201, body: { status: "complete", manifest: { trigger: "manual", tags: ["first"] } } });
    id = String(taken.body["backup_id"]);
    expect(taken.body["manifest"]).toMatchObject({ id });
    expect(taken.headers.get("location")).toBe(`${V1}/admin/backups/${id}`);
    const run = await served.ask("GET", `${V1}/runs/${String(taken.body["run_id"])}`);
    expect(run.body).toMatchObject({ kind: "backup", outcome: "completed", backup_id: id, result: { backup_id: id } });
    expect((await served.ask("GET", "/health")).body).toMatchObject({ status: "ok", instance: "acme", reasons: [] });
    expect((await served.ask("GET", "/ready", { token: null })).status).toBe(200);
  });

  it("POST /admin/backup answers 202 with the id that the backup will have, and its run", async () => {
    const begun = await served.ask("POST", `${V1}/admin/backup`, { body: { components: ["config"], tags: ["second"] } });
    expect(begun.status).toBe(202);
    const { backup_id, run_id } = begun.body;
    expect(begun.headers.get("location")).toBe(`${V1}/runs/${String(run_id)}`);
    await served.api.settled();
    expect((await served.ask("GET", `${V1}/runs/${String(run_id)}`)).body).toMatchObject({ outcome: "completed", backup_id });
    expect((await served.ask("GET", `${V1}/admin/backups/${String(backup_id)}`)).body).toMatchObject({
      backup: { id: backup_id, tags: ["second"], components: ["config", "holdfast"] },
    });
    expect(await served.ask("POST", `${V1}/admin/backup`, { body: { components: ["nothing"] } })).toMatchObject({
      status: 404,
      body: { code: "COMPONENT_NOT_FOUND" },
    });
  });

  it("GET /admin/backups gives pages that stay where they are", async () => {
    const first = await served.ask("GET", `${V1}/admin/backups?limit=1`);
    expect(first.body).toMatchObject({ total: 2, backups: [{ tags: ["second"] }] });
    const cursor = String(first.body["next_cursor"]);
    await served.ask("POST", `${V1}/admin/backup`, { body: { wait: true, components: ["config"], tags: ["third"] } });
    const second = await served.ask("GET", `${V1}/admin/backups?limit=1&cursor=${cursor}`);
    expect(second.body).toMatchObject({ total: 3, next_cursor: null, backups: [{ id }] });
    expect((await served.ask("GET", `${V1}/admin/backups?tag=first`)).body).toMatchObject({ total: 1, backups: [{ id }] });
    expect((await served.ask("GET", `${V1}/admin/backups?component=memory&trigger=manual`)).body).toMatchObject({ total: 1 });
    expect((await served.ask("GET", `${V1}/admin/backups?trigger=shutdown`)).body).toMatchObject({ total: 0 });
    for (const wrong of ["cursor=AAAA", "limit=0", "limit=9999", "limit=1&limit=2", "colour=red", "trigger=never"])
      expect(await served.ask("GET", `${V1}/admin/backups?${wrong}`), wrong).toMatchObject({ status: 400, body: { code: "USAGE" } });
  });

  it("GET looks inside: entries, diff, search and content", async () => {
    const entries = await served.ask("GET", `${V1}/admin/backups/${id}/entries?path=memory/notes`);
    expect(entries.body).toMatchObject({ backup_id: id, truncated: false });
    expect((entries.body["entries"] as { path: string }[]).map(({ path }) => path)).toEqual([
      "memory/notes/first.md",
      "memory/notes/second.md",
    ]);
    expect((await served.ask("GET", `${V1}/admin/backups/${id}/entries?recursive=true&limit=2`)).body).toMatchObject({ truncated: true });
    expect(await served.ask("GET", `${V1}/admin/backups/${id}/entries?path=memory/nothing`)).toMatchObject({
      body: { code: "PATH_NOT_FOUND" },
    });

    writeFileSync(join(folder.path, "data/memory/notes/second.md"), "# Changed\n");
    const diff = await served.ask("GET", `${V1}/admin/backups/${id}/diff`);
    expect(diff.body).toMatchObject({
      before: id,
      after: "live state",
      differences: [{ path: "memory/notes/second.md", change: "changed" }],
    });
    expect((await served.ask("GET", `${V1}/admin/backups/${id}/diff?with=latest`)).status).toBe(200);

    const found = await served.ask("GET", `${V1}/admin/search?glob=${encodeURIComponent("*.md")}`);
    expect((found.body["found"] as { path: string }[]).map(({ path }) => path)).toEqual([
      "memory/notes/first.md",
      "memory/notes/second.md",
    ]);

    const content = await served.ask("GET", `${V1}/admin/backups/${id}/content?path=memory/notes/first.md`);
    expect(content).toMatchObject({ status: 200, text: "# First\nremember this\n" });
    expect(content.headers.get("content-type")).toBe("application/octet-stream");
    expect(content.headers.get("content-disposition")).toBe("attachment; filename*=UTF-8''first.md");
    expect(content.headers.get("content-security-policy")).toMatch(/^sandbox/);
    expect(content.headers.get("x-content-type-options")).toBe("nosniff");
    expect(await served.ask("GET", `${V1}/admin/backups/${id}/content?path=memory/notes`)).toMatchObject({
      body: { code: "PATH_NOT_FOUND" },
    });
    expect(await served.ask("GET", `${V1}/admin/backups/${id}/content`)).toMatchObject({ status: 400 });
  });

  it("POST verify sets the verdict, pin keeps a backup, DELETE needs force for a pinned one", async () => {
    const verified = await served.ask("POST", `${V1}/admin/backups/${id}/verify`, { body: { wait: true } });
    expect(verified).toMatchObject({ status: 200, body: { backup_id: id, ok: true, problem: null } });
    const later = await served.ask("POST", `${V1}/admin/backups/latest/verify`);
    expect(later.status).toBe(202);
    await served.api.settled();
    const { body: page } = await served.ask("GET", `${V1}/admin/backups?limit=1`);
    const [{ id: newest }] = page["backups"] as [{ id: string }];
    expect((await served.ask("GET", `${V1}/admin/backups/${newest}`)).body).toMatchObject({ backup: { verified: { ok: true } } });
    const sample = await served.ask("POST", `${V1}/admin/verify`, { body: { sample: "100%", wait: true } });
    const { total } = page as unknown as { total: number };
    expect(sample).toMatchObject({ status: 200, body: { ok: true, of: "backups", read: total, unread: 0, verified: total, damaged: [] } });
    expect((await served.ask("POST", `${V1}/admin/verify`)).status).toBe(202);
    for (const nonsense of ["0%", "101%", "10", "--all"])
      expect(await served.ask("POST", `${V1}/admin/verify`, { body: { sample: nonsense } })).toMatchObject({
        status: 400,
        body: { code: "USAGE" },
      });
    await served.api.settled();

    expect((await served.ask("POST", `${V1}/admin/backups/${newest}/pin`, { body: { note: "keep" } })).body).toEqual({
      backup_id: newest,
      pinned: true,
    });
    expect(await served.ask("DELETE", `${V1}/admin/backups/${newest}`)).toMatchObject({ status: 409, body: { code: "BACKUP_PROTECTED" } });
    expect((await served.ask("DELETE", `${V1}/admin/backups/${newest}/pin`)).body).toEqual({ backup_id: newest, pinned: false });
    expect((await served.ask("DELETE", `${V1}/admin/backups/${newest}?force=true`)).status).toBe(204);
    expect(await served.ask("DELETE", `${V1}/admin/backups/${newest}`)).toMatchObject({ status: 404, body: { code: "BACKUP_NOT_FOUND" } });
    expect((await served.ask("POST", `${V1}/admin/prune`, { body: { wait: true } })).body).toMatchObject({ removed: [], swept: [newest] });
  });

  it("POST /admin/restore plans, restores with exact confirmation, and undoes", async () => {
    const plan = await served.ask("POST", `${V1}/admin/restore/plan`, {
      body: { backup_id: id, components: ["memory"] },
      token: served.token.read,
    });
    expect(plan.body).toMatchObject({ backup_id: id, components: [{ component: "memory", how: "rename" }], refusals: [] });
    for (const confirm of [undefined, "", "yes", id.slice(0, -1), `${id} `, true])
      expect(await served.ask("POST", `${V1}/admin/restore`, { body: { backup_id: id, components: ["memory"], confirm } })).toMatchObject({
        status: 400,
        body: { code: "USAGE" },
      });
    expect(readFileSync(join(folder.path, "data/memory/notes/second.md"), "utf8")).toBe("# Changed\n");

    const done = await served.ask("POST", `${V1}/admin/restore`, { body: { backup_id: id, components: ["memory"], confirm: id } });
    expect(done).toMatchObject({
      status: 200,
      body: {
        backup_id: id,
        restart_required: true,
        safety_backup_id: expect.stringMatching(/_pre-restore$/) as string,
        components: [{ component: "memory" }],
      },
    });
    expect(readFileSync(join(folder.path, "data/memory/notes/second.md"), "utf8")).toBe("# Second\n");

    const undone = await served.ask("POST", `${V1}/admin/restore/undo`, { body: { restore_id: done.body["restore_id"] } });
    expect(undone).toMatchObject({ status: 200, body: { backup_id: id, restore_id: done.body["restore_id"], components: ["memory"] } });
    expect(readFileSync(join(folder.path, "data/memory/notes/second.md"), "utf8")).toBe("# Changed\n");
  });

  it("GET says how things are: status, lease, tasks, runs, doctor, configuration, metrics", async () => {
    expect((await served.ask("GET", `${V1}/status`)).body).toMatchObject({ instance: "acme", safe: true, lease: null });
    expect((await served.ask("GET", `${V1}/lease`)).body).toMatchObject({ lease: { state: "free" }, waiters: [], deferred: [] });
    expect((await served.ask("GET", `${V1}/tasks`)).body["tasks"]).toEqual(
      expect.arrayContaining([expect.objectContaining({ name: "backup", kind: "task", heavy: true })]),
    );
    const runs = (await served.ask("GET", `${V1}/runs?limit=3`)).body["runs"] as { kind: string }[];
    expect(runs.map(({ kind }) => kind)).toEqual(["undo", "restore", "prune"]);
    expect((await served.ask("GET", `${V1}/doctor`)).body["findings"]).not.toHaveLength(0);
    expect((await served.ask("GET", `${V1}/config`)).body).toMatchObject({ name: "acme", server: { port: 0 } });
    const { text, headers } = await served.ask("GET", "/metrics");
    expect(headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect(text).toContain("holdfast_safe 1\n");
    expect(text).toMatch(/^holdfast_component_captured_age_seconds\{component="persistence"\} \d/m);
    expect(text).toContain('holdfast_api_runs_total{kind="restore",outcome="completed"} 1\n');
    for (const line of text.trimEnd().split("\n"))
      expect(line).toMatch(/^(# (HELP|TYPE) \w+ .+|\w+(\{(\w+="[^"]*",?)*\})? -?\d+(\.\d+)?)$/);
  });

  it("GET /openapi.json is the document of the table", async () => {
    const { body } = await served.ask("GET", `${V1}/openapi.json`);
    expect(body).toEqual(JSON.parse(JSON.stringify(openApiDocument((body["info"] as { version: string }).version, ERROR_CODES))));
  });

  it("says by name what is described and not built yet, and what it does not have at all", async () => {
    expect(await served.ask("POST", `${V1}/admin/backups/${id}/drill`, { body: {} })).toMatchObject({
      status: 501,
      body: { code: "NOT_AVAILABLE" },
    });
    expect(await served.ask("GET", `${V1}/nothing`)).toMatchObject({ status: 404, body: { code: "ROUTE_NOT_FOUND" } });
    const wrong = await served.ask("PUT", `${V1}/admin/backups/${id}`);
    expect(wrong).toMatchObject({ status: 405, body: { code: "METHOD_NOT_ALLOWED" } });
    expect(wrong.headers.get("allow")).toBe("GET, DELETE");
    expect((await served.ask("OPTIONS", `${V1}/status`, { headers: { origin: "https://evil.example" } })).status).toBe(405);
    expect(await served.ask("GET", `${V1}/runs/run-0123456789abcdef`)).toMatchObject({ body: { code: "RUN_NOT_FOUND" } });
    expect(await served.ask("POST", `${V1}/tasks/nothing/run`)).toMatchObject({ status: 404, body: { code: "TASK_NOT_FOUND" } });
  });

  it("writes down who changed what, and no more than that", async () => {
    const lines = readFileSync(join(folder.path, ".holdfast", "audit.log"), "utf8")
      .trimEnd()
      .split("\n");
    const audit = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    const taken = audit.find(({ status }) => status === 201);
    expect(taken).toEqual({
      time: expect.any(String) as string,
      token: "restore",
      address: "unknown",
      method: "POST",
      path: `${V1}/admin/backup`,
      call: expect.stringMatching(/^[0-9a-f]{16}$/) as string,
      status: 201,
    });
    expect(audit.filter(({ call }) => call === taken?.["call"]).map(({ status }) => status)).toEqual([null, 201]);
    expect(audit.some(({ method, status }) => method === "DELETE" && status === 409)).toBe(true);
    expect(audit.every(({ path }) => !String(path).includes("?") && !/\/plan$|\/status$/.test(String(path)))).toBe(true);
  });
});
