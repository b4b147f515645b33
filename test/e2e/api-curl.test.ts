import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ENDPOINTS, NOT_BUILT, PREFIX, type AnyEndpoint, type Scope } from "../../src/contract/index.ts";
import { endpointAt } from "../support/api.ts";
import { daemonStage, inState, shell, type DaemonStage } from "../support/daemon-stage.ts";
import { runProgram } from "../support/run-program.ts";

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
  readonly json: Readonly<Record<string, unknown>>;
}

interface Ask {
  readonly as?: Exclude<Scope, "none"> | null;
  readonly body?: unknown;
  readonly more?: readonly string[];
}

/** For a machine that has other things to do. */
const PATIENT = { timeout: 30_000, interval: 5 };

/** One daemon, asked by curl as the guide and the reference say. */
describe("the routes of the daemon by curl", () => {
  let stage: DaemonStage;
  let url = "";
  const asked = new Set<string>();

  beforeAll(async () => {
    const note = `  note: { command: ${shell("echo noted")}, every: 1h, heavy: false }`;
    stage = daemonStage({ backup: "", tasks: note, more: "server: { listen: '127.0.0.1:0' }\n" });
    const daemon = await stage.daemon();
    // The backup of its start, the first scheduled one, the first run of the task: from here on nothing runs unasked.
    await daemon.saw(/Completed memory core backup/);
    await daemon.saw(/Completed note/);
    url = (await daemon.saw(/Listening on (http:\/\/[\d.]+:\d+)/))[1] ?? "";
  }, 180_000);
  afterAll(async () => {
    await stage[Symbol.asyncDispose]();
  });

  async function curl(method: string, path: string, { as = "restore", body, more = [] }: Ask = {}): Promise<Answer> {
    const data = body === undefined ? [] : ["--header", "Content-Type: application/json", "--data", JSON.stringify(body)];
    const words = [
      "--silent",
      "--request",
      method,
      ...(as === null ? [] : bearer(as)),
      ...data,
      ...more,
      "--write-out",
      "\n%{http_code} %{content_type}",
    ];
    const { stdout } = await runProgram(["curl", ...words, `${url}${path}`], { cwd: stage.folder });
    const [, text = "", status = "", type = ""] = /^([\s\S]*)\n(\d{3}) (.*)$/.exec(stdout) ?? [];
    asked.add(`${method} ${endpointAt(method, path)?.path ?? path}`);
    const json = /json/.test(type) ? (JSON.parse(text) as Answer["json"]) : {};
    return { status: Number(status), type, text, json };
  }
  const bearer = (name: string): string[] => [
    "--header",
    `Authorization: Bearer ${readFileSync(inState(stage, "tokens", name), "utf8").trim()}`,
  ];
  const v1 = async (method: string, path: string, ask: Ask = {}): Promise<Answer> => await curl(method, `${PREFIX}${path}`, ask);

  it("say how things are: health, readiness, status, lease, tasks, doctor, configuration, metrics, document", async () => {
    expect(await curl("GET", "/health", { as: null })).toMatchObject({ status: 200, text: '{"status":"ok"}' });
    expect(await curl("GET", "/ready", { as: null })).toMatchObject({ status: 200, text: '{"status":"ready"}' });
    expect(await v1("GET", "/ready", { as: "read" })).toMatchObject({ status: 200, json: { reasons: [] } });
    for (const path of ["/status", "/lease", "/tasks", "/doctor", "/config", "/openapi.json", "/admin/retention"])
      expect(await v1("GET", path, { as: "read" }), path).toMatchObject({ status: 200, type: "application/json" });
    const metrics = await curl("GET", "/metrics", { as: "read" });
    expect(metrics).toMatchObject({ status: 200 });
    expect(metrics.type).toMatch(/^text\/plain/);
  });

  it("POST /admin/backup returns the backup's id, which is listed, shown, looked into, verified, pinned and deleted", async () => {
    const taken = await v1("POST", "/admin/backup", { as: "operate", body: { wait: true, tags: ["by-curl"] } });
    expect(taken).toMatchObject({ status: 201, json: { status: "complete" } });
    const id = String(taken.json["backup_id"]);
    expect(await v1("GET", "/admin/backups?limit=1", { as: "read" })).toMatchObject({ status: 200, json: { total: 3, backups: [{ id }] } });
    expect(await v1("GET", `/admin/backups/${id}`, { as: "read" })).toMatchObject({ status: 200, json: { manifest: { id } } });
    for (const path of [`/admin/backups/${id}/entries?path=state`, `/admin/backups/${id}/diff?with=latest`, "/admin/search?glob=state*"])
      expect(await v1("GET", path, { as: "read" }), path).toMatchObject({ status: 200 });
    expect(await v1("GET", `/admin/backups/${id}/content?path=state`)).toMatchObject({ status: 200, text: '{"turn":1}\n' });
    expect(await v1("POST", `/admin/backups/${id}/verify`, { as: "operate", body: { wait: true } })).toMatchObject({ json: { ok: true } });
    expect(await v1("POST", "/admin/verify", { as: "operate", body: { sample: "100%", wait: true } })).toMatchObject({
      status: 200,
      json: { ok: true, of: "backups", damaged: [] },
    });
    expect(await v1("POST", `/admin/backups/${id}/pin`, { as: "operate" })).toMatchObject({ status: 200, json: { pinned: true } });
    expect(await v1("DELETE", `/admin/backups/${id}`, { as: "operate" })).toMatchObject({
      status: 409,
      json: { code: "BACKUP_PROTECTED" },
    });
    expect(await v1("DELETE", `/admin/backups/${id}/pin`, { as: "operate" })).toMatchObject({ status: 200, json: { pinned: false } });
    expect(await v1("DELETE", `/admin/backups/${id}?force=true`, { as: "operate" })).toMatchObject({ status: 204, text: "" });
    expect(await v1("GET", `/admin/backups/${id}`)).toMatchObject({ status: 404, json: { code: "BACKUP_NOT_FOUND" } });
    expect(await v1("POST", "/admin/prune", { as: "operate", body: { wait: true } })).toMatchObject({ status: 200, json: { swept: [id] } });
    expect(await v1("POST", "/admin/backups/latest/drill", { as: "operate" })).toMatchObject({
      status: 501,
      json: { code: "NOT_AVAILABLE" },
    });
  });

  it("POST /admin/restore puts back what its exact confirmation names, and takes it back again", async () => {
    const { json } = await v1("GET", "/admin/backups");
    const [{ id: backup_id }] = json["backups"] as [{ id: string }];
    expect(await v1("POST", "/admin/restore/plan", { as: "read", body: { backup_id } })).toMatchObject({
      status: 200,
      json: { refusals: [] },
    });
    expect(await v1("POST", "/admin/restore", { body: { backup_id, confirm: "yes" } })).toMatchObject({
      status: 400,
      json: { code: "USAGE" },
    });
    expect(await v1("POST", "/admin/restore", { body: { backup_id, confirm: backup_id } })).toMatchObject({
      status: 200,
      json: { backup_id, restart_required: true, safety_backup_id: expect.stringMatching(/_pre-restore$/) as string },
    });
    expect(await v1("POST", "/admin/restore/undo")).toMatchObject({ status: 200, json: { backup_id } });
  });

  it("POST /lifecycle/… answer when the backup is committed", async () => {
    for (const [route, body] of [
      ["startup", undefined],
      ["pre-migration", { from: 3, to: 4 }],
      // The machine may be busy; a budget that is too short has a test of its own.
      ["shutdown", { budget_ms: 60_000 }],
    ] as const) {
      const { status, json } = await v1("POST", `/lifecycle/${route}`, { as: "operate", ...(body === undefined ? {} : { body }) });
      expect({ status, json }).toMatchObject({ status: 201, json: { outcome: "taken", complete: true, trigger: route } });
      expect(await v1("GET", `/admin/backups/${String(json["backup_id"])}`)).toMatchObject({
        status: 200,
        json: { backup: { trigger: route } },
      });
    }
    expect(await v1("GET", "/admin/backups?trigger=pre-migration&tag=schema-to-4")).toMatchObject({ json: { total: 1 } });
  });

  it("run a task, and say at /runs and /events what becomes of it", async () => {
    let listener = 0;
    let heard = "";
    const events = runProgram(["curl", "--silent", "--no-buffer", "--max-time", "60", ...bearer("read"), `${url}${PREFIX}/events`], {
      cwd: stage.folder,
      onStart: (pid) => (listener = pid),
      onOutput: (text) => {
        heard += text;
        if (heard.includes("run.finished")) process.kill(listener, "SIGTERM");
      },
    });
    asked.add("GET /events");
    await expect.poll(() => heard, PATIENT).toContain("retry: 3000");
    const { json } = await v1("POST", "/tasks/note/run", { as: "operate", body: { wait: true } });
    expect(json).toMatchObject({ task: "note", outcome: "completed", exit_code: 0 });
    expect(await v1("GET", `/runs/${String(json["run_id"])}`, { as: "read" })).toMatchObject({ status: 200, json: { task: "note" } });
    expect(await v1("GET", "/runs?task=note", { as: "read" })).toMatchObject({
      json: { runs: [{ run_id: json["run_id"] }, { task: "note" }] },
    });
    expect((await events).stdout).toMatch(/event: run\.finished\ndata: .*"task":"note"/);
  });
  it("refuse over the socket who is not known, whose name is foreign, and which page is another's", async () => {
    expect(await v1("GET", "/status", { as: null })).toMatchObject({ status: 401, type: "application/problem+json" });
    expect(await v1("POST", "/admin/backup", { as: "read" })).toMatchObject({ status: 403, json: { code: "FORBIDDEN" } });
    expect(await v1("GET", "/status", { more: ["--header", "Host: evil.example"] })).toMatchObject({ status: 421 });
    expect(await v1("GET", "/status", { more: ["--request-target", `http://evil.example${PREFIX}/status`] })).toMatchObject({
      status: 421,
    });
    const form = ["--header", "Origin: https://evil.example", "--data", "wait=true"];
    expect(await v1("POST", "/admin/backup", { more: form })).toMatchObject({ status: 403, json: { code: "ORIGIN_REFUSED" } });
    expect(await v1("POST", "/admin/backup", { more: ["--data", "wait=true"] })).toMatchObject({ status: 415 });
    expect(await v1("GET", "/admin/backups/..%2f..%2fetc%2fpasswd")).toMatchObject({ status: 400 });
  });

  it("are all asked here", () => {
    const all = (Object.values(ENDPOINTS) as AnyEndpoint[]).map(({ method, path }) => `${method} ${path}`);
    expect([...asked]).toEqual(expect.arrayContaining(all));
    expect(NOT_BUILT).toHaveLength(1);
  });
});
