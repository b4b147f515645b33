import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { backupHead } from "../../test/support/backup-head.ts";
import { fakeApi } from "../../test/support/fake-api.ts";
import { BusyError, DamageError, HostError } from "../kernel/index.ts";
import type { EngineRun } from "../operations/index.ts";

const BACKUP = "/api/v1/admin/backup";
const JSON_TYPE = { "content-type": "application/json" };
const post = (
  body: string,
  headers: Record<string, string> = {},
): { method: string; body: string; headers: Record<string, string>; as: "restore" } => ({
  method: "POST",
  body,
  headers: { ...JSON_TYPE, ...headers },
  as: "restore",
});

async function told(answer: Response): Promise<string> {
  return `${answer.status} ${((await answer.json()) as { code: string }).code}`;
}

/** An engine whose backups begin at once and end when they are told to. */
function slowEngine(): {
  readonly runs: EngineRun[];
  readonly finish: () => void;
  readonly engine: (run: EngineRun) => Promise<Record<string, unknown>>;
} {
  const runs: EngineRun[] = [];
  const end = Promise.withResolvers<void>();
  return {
    runs,
    finish: end.resolve,
    engine: async (run) => {
      runs.push(run);
      run.onEvent?.({ event: "begin", id: "2026-03-15T12-00-00_manual" });
      await end.promise;
      return { id: "2026-03-15T12-00-00_manual", results: [], decisions: [], removed: [], swept: [], standsDown: null, notes: [] };
    },
  };
}

describe("a request", () => {
  it.each([
    ["that is no JSON", post("{"), "400 USAGE"],
    ["that is not said to be JSON", post("{}", { "content-type": "text/plain" }), "415 MEDIA_TYPE_UNSUPPORTED"],
    ["that a form could send", post("a=b", { "content-type": "application/x-www-form-urlencoded" }), "415 MEDIA_TYPE_UNSUPPORTED"],
    ["with a mistyped key", post('{"component":["a"]}'), "400 USAGE"],
    ["with __proto__ in it", post('{"__proto__":{"wait":true}}'), "400 USAGE"],
    ["with an option for a component", post('{"components":["--trigger"]}'), "400 USAGE"],
    ["with a tag that is an option", post('{"tags":["--yes"]}'), "400 USAGE"],
    ["that is a list", post("[]"), "400 USAGE"],
    ["over one megabyte", post(`{"tags":["${"a".repeat(1024 * 1024)}"]}`), "413 PAYLOAD_TOO_LARGE"],
    ["nested without end", post(`${"[".repeat(200_000)}${"]".repeat(200_000)}`), "400 USAGE"],
  ])("with a body %s is refused and starts nothing", async (_what, init, answer) => {
    const { engine, runs } = slowEngine();
    using served = fakeApi({ engine });
    expect(await told(await served.fetch(BACKUP, init))).toBe(answer);
    expect(runs).toEqual([]);
  });

  it("whose body goes on past one megabyte without saying how long it is, is cut off there", async () => {
    const { engine, runs } = slowEngine();
    using served = fakeApi({ engine });
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        sent += 65_536;
        controller.enqueue(new Uint8Array(65_536).fill(0x20));
      },
    });
    expect(await told(await served.fetch(BACKUP, { method: "POST", headers: JSON_TYPE, body, duplex: "half", as: "operate" }))).toBe(
      "413 PAYLOAD_TOO_LARGE",
    );
    expect(sent).toBeLessThan(2 * 1024 * 1024);
    expect(runs).toEqual([]);
  });

  it.each([
    "..%2F..%2Fetc%2Fpasswd",
    "%2e%2e",
    "2026-03-15T11-00-00_manual%2F..",
    "2026-03-15T11-00-00_manual%00",
    "-rf",
    "2026-03-15T11-00-00_Manual",
    "%zz",
    "latest",
  ])("for the backup %s is refused before anything is looked for", async (id) => {
    const { engine, runs } = slowEngine();
    using served = fakeApi({ engine });
    const answer = await served.fetch(`/api/v1/admin/backups/${id}`, { method: "DELETE", as: "operate" });
    expect(["400 USAGE", "404 ROUTE_NOT_FOUND", "405 METHOD_NOT_ALLOWED"]).toContain(await told(answer));
    expect(runs).toEqual([]);
  });

  it.each(["../../etc/passwd", "memory/../../x", "..", "a%00b", "%2e%2e%2fx"])(
    "for the path %s inside a backup is refused",
    async (path) => {
      using served = fakeApi();
      const address = `/api/v1/admin/backups/2026-03-15T11-00-00_manual/content?path=${path}`;
      expect(await told(await served.fetch(address, { as: "restore" }))).toBe("400 USAGE");
    },
  );

  it("that fails without a name is told as a defect, without path, stack or secret, and the log has it", async () => {
    using served = fakeApi({ vault: () => Promise.reject(new Error("EACCES /root/secret password=hunter2")) });
    const answer = await served.fetch("/api/v1/admin/backups", { as: "read" });
    const text = await answer.text();
    expect(answer.status).toBe(500);
    expect(JSON.parse(text)).toMatchObject({ code: "INTERNAL", title: expect.any(String) as string });
    expect(text).not.toMatch(/root|hunter2|EACCES|\.ts/);
    expect(served.logged.join("\n")).toMatch(/EACCES/);
    expect(served.logged.join("\n")).not.toContain("hunter2");
  });

  it.each([
    [new BusyError("LEASE_HELD", "The lease is held by kbSync", { details: { holdingOwner: "kbSync" } }), 409],
    [new DamageError("BACKUP_DAMAGED", "It does not read back"), 500],
    [new HostError("NO_SPACE", "No space left"), 507],
  ])("that fails with %s has its status, its code and its facts", async (error, status) => {
    const engine = async (): Promise<never> => {
      throw error;
    };
    using served = fakeApi({ engine });
    const answer = await served.fetch(BACKUP, post("{}"));
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    expect(answer.status).toBe(status);
    expect(await answer.json()).toMatchObject({
      code: error.code,
      detail: error.message,
      ...(error.details === undefined ? {} : { details: error.details }),
    });
  });
});

describe("an Idempotency-Key", () => {
  const key = { "idempotency-key": "one" };

  it("makes concurrent and later requests with the same body run once, and gives them the same answer", async () => {
    const { engine, runs, finish } = slowEngine();
    using served = fakeApi({ engine });
    const answers = await Promise.all([1, 2, 3].map(async () => await (await served.fetch(BACKUP, post("{}", key))).text()));
    finish();
    await served.api.settled();
    answers.push(await (await served.fetch(BACKUP, post("{}", key))).text());
    expect(new Set(answers).size).toBe(1);
    expect(runs).toHaveLength(1);
    served.pass(24 * 3_600_000);
    expect(await (await served.fetch(BACKUP, post("{}", key))).text()).not.toBe(answers[0]);
  });

  it("is refused for another body, and is another one in the hands of another token", async () => {
    const { engine, runs, finish } = slowEngine();
    using served = fakeApi({ engine });
    expect((await served.fetch(BACKUP, post("{}", key))).status).toBe(202);
    expect(await told(await served.fetch(BACKUP, post('{"tags":["a"]}', key)))).toBe("422 IDEMPOTENCY_MISMATCH");
    expect((await served.fetch(BACKUP, { ...post('{"tags":["a"]}', key), as: "operate" as const })).status).toBe(202);
    expect(await told(await served.fetch(BACKUP, post("{}", { "idempotency-key": "a b" })))).toBe("400 USAGE");
    expect(runs).toHaveLength(2);
    finish();
  });

  it("may try again after a failure", async () => {
    let count = 0;
    using served = fakeApi({ engine: () => Promise.reject(new BusyError("LEASE_HELD", `Attempt ${(count += 1)}`)) });
    await served.fetch(BACKUP, post("{}", key));
    expect(await (await served.fetch(BACKUP, post("{}", key))).json()).toMatchObject({ detail: "Attempt 2" });
  });
});

describe("while a restore runs", () => {
  it("every other change is 409, what only looks is answered, and the restore outlives its client", async () => {
    const { engine, runs, finish } = slowEngine();
    const head = backupHead({});
    using served = fakeApi({ engine, listing: { backups: [head] } });
    const hangUp = new AbortController();
    const body = JSON.stringify({ backup_id: head.id, confirm: head.id });
    const restore = served.fetch("/api/v1/admin/restore", { ...post(body), signal: hangUp.signal });
    await expect.poll(() => runs.length, { timeout: 30_000 }).toBe(1);
    hangUp.abort();
    expect(runs[0]?.signal).toBeUndefined();
    for (const [method, path] of [
      ["POST", "/api/v1/admin/backup"],
      ["POST", "/api/v1/admin/prune"],
      ["POST", "/api/v1/admin/restore/undo"],
      ["POST", `/api/v1/admin/backups/${head.id}/pin`],
      ["DELETE", `/api/v1/admin/backups/${head.id}/pin`],
      ["DELETE", `/api/v1/admin/backups/${head.id}`],
      ["POST", `/api/v1/admin/backups/${head.id}/verify`],
      ["POST", "/api/v1/tasks/backup/run"],
    ] as const)
      expect(await told(await served.fetch(path, { method, as: "restore" })), `${method} ${path}`).toBe("409 RESTORE_RUNNING");
    const { runs: listed } = (await (await served.fetch("/api/v1/runs", { as: "read" })).json()) as {
      runs: { kind: string; outcome: string }[];
    };
    expect(listed).toMatchObject([{ kind: "restore", outcome: "running" }]);
    finish();
    await restore;
    await served.api.settled();
    expect((await served.fetch("/api/v1/admin/prune", { method: "POST", as: "operate" })).status).toBe(202);
  });
});

describe("while a restore runs in another process", () => {
  it("every change is 409, and so it is until the lease is free again", async () => {
    const head = backupHead({});
    using served = fakeApi({ listing: { backups: [head] } });
    const pin = { method: "POST", as: "operate" } as const;
    await using keeper = served.instance.openLease();
    const answer = await keeper.acquire({ owner: "restore", reason: "restore of latest" });
    expect(await told(await served.fetch(`/api/v1/admin/backups/${head.id}/pin`, pin))).toBe("409 RESTORE_RUNNING");
    expect((await served.fetch("/api/v1/admin/backups", { as: "read" })).status).toBe(200);
    if (answer.outcome === "held") throw new Error("Nobody else can have it");
    await answer.lease.release();
    expect((await served.fetch(`/api/v1/admin/backups/${head.id}/pin`, pin)).status).toBe(200);
  });
});

describe("the audit log", () => {
  it("has two lines for every change that somebody with a token may make, one for what is refused, and none for a stranger's", async () => {
    const { engine, finish } = slowEngine();
    using served = fakeApi({ engine });
    finish();
    const file = join(served.folder, "audit.log");
    await served.fetch(BACKUP, { method: "POST" });
    await served.fetch("/api/v1/status", { as: "read" });
    expect(existsSync(file)).toBe(false);
    await served.fetch(BACKUP, post('{"tags":["hush"]}'));
    await served.fetch(BACKUP, { method: "POST", as: "read" });
    const lines = readFileSync(file, "utf8").trimEnd().split("\n");
    const audit = lines.map((line) => JSON.parse(line) as { readonly call: string });
    expect(audit).toMatchObject([
      { token: "restore", method: "POST", path: BACKUP, status: null },
      { token: "restore", method: "POST", path: BACKUP, status: 202 },
      { token: "read", method: "POST", path: BACKUP, status: 403 },
    ]);
    expect(audit[1]?.call).toBe(audit[0]?.call);
    expect(audit[2]?.call).not.toBe(audit[0]?.call);
    expect(lines.join()).not.toContain("hush");
  });

  it("says that a change begins before it does, for a process that is killed in it says no more", async () => {
    const { engine, finish } = slowEngine();
    const seen: unknown[] = [];
    using served = fakeApi({
      engine: async (run) => {
        const text = readFileSync(join(served.folder, "audit.log"), "utf8");
        seen.push(
          ...text
            .trimEnd()
            .split("\n")
            .map((line) => (JSON.parse(line) as { status: unknown }).status),
        );
        return await engine(run);
      },
    });
    finish();
    expect((await served.fetch(BACKUP, post("{}"))).status).toBe(202);
    expect(seen).toEqual([null]);
  });

  it("that cannot be written is an error in the log, and the change is answered as it went", async () => {
    const { engine, runs, finish } = slowEngine();
    using served = fakeApi({ engine });
    finish();
    mkdirSync(join(served.folder, "audit.log"));
    expect((await served.fetch(BACKUP, post("{}"))).status).toBe(202);
    expect(runs).toHaveLength(1);
    expect(served.logged.join("\n")).toMatch(/^error Cannot write the audit log: .*EISDIR/m);
  });
});
