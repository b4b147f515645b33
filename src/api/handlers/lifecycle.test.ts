import { describe, expect, it } from "vitest";
import { backupHead } from "../../../test/support/backup-head.ts";
import { fakeApi, type FakeApi } from "../../../test/support/fake-api.ts";
import { BusyError, CaptureError, InterruptedError } from "../../kernel/index.ts";
import type { EngineRun } from "../../operations/index.ts";

const ID = "2026-03-15T12-00-00_startup";
const ROUTES = ["startup", "shutdown", "pre-migration"] as const;

type Body = Readonly<Record<string, unknown>>;

async function post(
  served: FakeApi,
  route: (typeof ROUTES)[number],
  body: unknown = {},
  headers: Readonly<Record<string, string>> = {},
): Promise<{ readonly status: number; readonly body: Body; readonly location: string | null }> {
  const answer = await served.fetch(`/api/v1/lifecycle/${route}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
    as: "operate",
  });
  return { status: answer.status, body: (await answer.json()) as Body, location: answer.headers.get("location") };
}

/** An engine that takes every backup at once, and remembers what it was asked for. */
function engine(status = "complete"): { readonly runs: EngineRun[]; readonly engine: (run: EngineRun) => Promise<Body> } {
  const runs: EngineRun[] = [];
  return {
    runs,
    engine: async (run) => {
      runs.push(run);
      run.onEvent?.({ event: "begin", id: ID });
      return { id: ID, status };
    },
  };
}

async function newestRun(served: FakeApi): Promise<Body | undefined> {
  const answer = await served.fetch("/api/v1/runs", { as: "read" });
  return ((await answer.json()) as { readonly runs: readonly Body[] }).runs[0];
}

describe("POST /lifecycle", () => {
  it.each(ROUTES)("%s answers 201 with the backup once it is committed, and is a run like any other", async (route) => {
    const { engine: made, runs } = engine();
    using served = fakeApi({ engine: made });
    const answer = await post(served, route);
    expect(answer).toMatchObject({
      status: 201,
      location: `/api/v1/admin/backups/${ID}`,
      body: { trigger: route, outcome: "taken", backup_id: ID, complete: true, problem: null },
    });
    expect(runs.map(({ args }) => args.slice(0, 4))).toEqual([["backup", "create", "--trigger", route]]);
    // A runtime that was stopped meanwhile has hung up, and its backup is taken all the same.
    expect(runs[0]?.signal?.aborted).not.toBe(true);
    expect(await newestRun(served)).toMatchObject({
      run_id: answer.body["run_id"],
      kind: "backup",
      trigger: route,
      outcome: "completed",
      backup_id: ID,
    });
  });

  it("says of a backup that something declared is not in it", async () => {
    using served = fakeApi(engine("partial"));
    expect((await post(served, "startup")).body).toMatchObject({ outcome: "taken", complete: false });
  });

  it("pre-migration makes tags of the versions and waits as long as it is told, the shutdown no longer than its budget", async () => {
    const { engine: made, runs } = engine();
    using served = fakeApi({ engine: made });
    await post(served, "pre-migration", { from: 3, to: "2026.4", wait_ms: 0 });
    expect(runs[0]?.args).toEqual([
      "backup",
      "create",
      "--trigger",
      "pre-migration",
      "--tag",
      "schema-from-3",
      "--tag",
      "schema-to-2026.4",
    ]);
    await post(served, "pre-migration");
    expect(runs[1]?.args).toEqual(["backup", "create", "--trigger", "pre-migration", "--wait", "600000ms"]);
    await post(served, "shutdown", { budget_ms: 5000 });
    const waited = Number(/^(\d+)ms$/.exec(runs[2]?.args.at(-1) ?? "")?.[1]);
    expect(waited).toBeGreaterThan(0);
    expect(waited).toBeLessThanOrEqual(5000);
  });

  it.each(["startup", "shutdown"] as const)(
    "%s answers 200 with the reason when none was taken: no runtime is kept from its way",
    async (route) => {
      using held = fakeApi({ engine: () => Promise.reject(new BusyError("LEASE_HELD", "The lease is held by kbSync")) });
      expect(await post(held, route)).toMatchObject({
        status: 200,
        location: null,
        body: {
          outcome: "deferred",
          backup_id: null,
          complete: null,
          problem: { code: "LEASE_HELD", detail: "The lease is held by kbSync" },
        },
      });
      expect(await newestRun(held)).toMatchObject({ outcome: "skipped", reason_code: "LEASE_HELD" });
      using broken = fakeApi({ engine: () => Promise.reject(new CaptureError("COMPONENT_MISSING", "Nothing is there")) });
      expect(await post(broken, route)).toMatchObject({ status: 200, body: { outcome: "failed", problem: { code: "COMPONENT_MISSING" } } });
      expect(await newestRun(broken)).toMatchObject({ outcome: "failed", reason_code: "COMPONENT_MISSING" });
      expect(broken.logged.join("\n")).toMatch(new RegExp(`^error No ${route} backup was taken: COMPONENT_MISSING`, "m"));
    },
  );

  it.each(["startup", "shutdown"] as const)("%s takes none where the configuration says so, and says that", async (route) => {
    const { engine: made, runs } = engine();
    using served = fakeApi({ engine: made, backup: { onStartup: false, onShutdown: false } });
    expect(await post(served, route)).toMatchObject({ status: 200, body: { outcome: "off", backup_id: null, problem: null } });
    expect(runs).toEqual([]);
    expect(await newestRun(served)).toMatchObject({ outcome: "skipped", reason: `The ${route} backup is off in the configuration` });
  });

  it("pre-migration fails when none was taken, so that nobody migrates", async () => {
    using held = fakeApi({ engine: () => Promise.reject(new BusyError("LEASE_HELD", "The lease is held by kbSync")) });
    expect(await post(held, "pre-migration")).toMatchObject({ status: 409, body: { code: "LEASE_HELD" } });
    using broken = fakeApi({ engine: () => Promise.reject(new CaptureError("COMPONENT_MISSING", "Nothing is there")) });
    expect(await post(broken, "pre-migration")).toMatchObject({ status: 500, body: { code: "COMPONENT_MISSING" } });
    expect(await newestRun(broken)).toMatchObject({ outcome: "failed", reason_code: "COMPONENT_MISSING" });
  });

  it("shutdown stops a backup that does not fit into its budget, and says that there was no time", async () => {
    const endless = (run: EngineRun): Promise<never> =>
      new Promise((_, reject) => {
        run.signal?.addEventListener("abort", () => reject(new InterruptedError("INTERRUPTED", "The work was stopped")), { once: true });
      });
    using served = fakeApi({ engine: endless });
    expect(await post(served, "shutdown", { budget_ms: 1 })).toMatchObject({
      status: 200,
      body: { outcome: "failed", problem: { code: "INTERRUPTED" } },
    });
    expect(served.logged.join("\n")).toContain("There was no time for the shutdown backup; nothing half-made is left.");
  });

  it.each([
    ["startup", { components: ["memory"] }],
    ["shutdown", { budget_ms: 0 }],
    ["shutdown", { budget_ms: "8s" }],
    ["shutdown", { budget_ms: 3_600_001 }],
    ["pre-migration", { from: "--yes 3" }],
    ["pre-migration", { to: -1 }],
    ["pre-migration", { wait_ms: 1.5 }],
    ["pre-migration", { command: ["./migrate"] }],
  ] as const)("%s refuses %o and takes nothing", async (route, body) => {
    const { engine: made, runs } = engine();
    using served = fakeApi({ engine: made });
    expect(await post(served, route, body)).toMatchObject({ status: 400, body: { code: "USAGE" } });
    expect(runs).toEqual([]);
  });

  it("with an Idempotency-Key takes one backup for concurrent and later requests, and tries again after a deferral", async () => {
    const { engine: made, runs } = engine();
    let free = false;
    using served = fakeApi({
      engine: async (run) => (free ? await made(run) : await Promise.reject(new BusyError("LEASE_HELD", "The lease is held"))),
    });
    const key = { "idempotency-key": "boot-7" };
    expect((await post(served, "startup", {}, key)).body).toMatchObject({ outcome: "deferred" });
    free = true;
    const answers = await Promise.all([1, 2, 3].map(async () => await post(served, "startup", {}, key)));
    answers.push(await post(served, "startup", {}, key));
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect(answers[0]).toMatchObject({ status: 201 });
    expect(runs).toHaveLength(1);
  });

  it.each(ROUTES)("%s needs the scope `operate`", async (route) => {
    const { engine: made, runs } = engine();
    using served = fakeApi({ engine: made });
    expect((await served.fetch(`/api/v1/lifecycle/${route}`, { method: "POST", as: "read" })).status).toBe(403);
    expect(runs).toEqual([]);
  });

  it("while a restore runs, startup and shutdown are deferred with 200, since it may wait for the runtime, and pre-migration is 409", async () => {
    const { engine: made, runs } = engine();
    using served = fakeApi({ engine: made });
    await using keeper = served.instance.openLease();
    const answer = await keeper.acquire({ owner: "restore", reason: "restore of latest" });
    for (const route of ["startup", "shutdown"] as const) {
      const deferred = await post(served, route);
      expect(deferred).toMatchObject({ status: 200, body: { outcome: "deferred", problem: { code: "RESTORE_RUNNING" } } });
      expect(await newestRun(served)).toMatchObject({ outcome: "skipped", reason_code: "RESTORE_RUNNING" });
    }
    expect(await post(served, "pre-migration")).toMatchObject({ status: 409, body: { code: "RESTORE_RUNNING" } });
    expect(runs).toEqual([]);
    if (answer.outcome === "held") throw new Error("Nobody else can have it");
    await answer.lease.release();
    for (const route of ROUTES) expect((await post(served, route)).status).toBe(201);
  });

  it("leaves the lease to a restore that was started through this API and has it not yet", async () => {
    const { engine: made, runs } = engine();
    const restored = Promise.withResolvers<Body>();
    const head = backupHead({});
    using served = fakeApi({
      listing: { backups: [head] },
      engine: async (run) => (run.args[0] === "restore" ? await restored.promise : await made(run)),
    });
    const asked = { backup_id: head.id, confirm: head.id, wait: false };
    const headers = { "content-type": "application/json" };
    const restore = await served.fetch("/api/v1/admin/restore", { method: "POST", headers, body: JSON.stringify(asked), as: "restore" });
    expect(restore.status).toBe(202);
    for (const route of ["startup", "shutdown"] as const)
      expect(await post(served, route)).toMatchObject({ status: 200, body: { problem: { code: "RESTORE_RUNNING" } } });
    expect(runs).toEqual([]);
    restored.reject(new CaptureError("COMPONENT_MISSING", "Nothing is there"));
    await served.api.settled();
  });
});
