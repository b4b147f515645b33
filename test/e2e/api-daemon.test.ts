import { createServer, type AddressInfo } from "node:net";
import { mkdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { openApi } from "../support/api.ts";
import { logOf } from "../support/daemon-program.ts";
import { counting, daemonStage, holding, shell } from "../support/daemon-stage.ts";
import { mountAt } from "../support/mount.ts";
import { runProgram } from "../support/run-program.ts";

/** A port that somebody has until the scope ends. */
async function takenPort(): Promise<AsyncDisposable & { readonly port: number }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { port, [Symbol.asyncDispose]: async () => await new Promise((resolve) => server.close(() => resolve())) };
}

describe("holdfast daemon and its HTTP API", () => {
  it("goes on without HTTP where its port is taken, says so, and runs what is due", async () => {
    await using taken = await takenPort();
    await using stage = daemonStage({
      tasks: `  tick: { command: ${shell(counting("tick"))}, every: 1s, heavy: false }`,
      more: `server: { listen: "127.0.0.1:${taken.port}" }\n`,
    });
    const daemon = await stage.daemon();
    await daemon.saw(/Without HTTP/);
    await stage.begun("tick", 2);
    const said = logOf(daemon).filter(({ message }) => /HTTP|Listening/.test(message));
    expect(said).toMatchObject([
      { level: "warn", message: `Without HTTP: Cannot listen on 127.0.0.1:${taken.port}: another process listens there.` },
    ]);
    expect(await daemon.end("SIGTERM")).toEqual({ exitCode: 0, signal: null });
  });

  it("does not start where the state directory cannot be written, and names it", async (test) => {
    await using stage = daemonStage({ more: "server: { listen: '127.0.0.1:0' }\n" });
    mkdirSync(stage.stateDir);
    using mount = mountAt(stage.stateDir, ["-t", "tmpfs", "-o", "ro,size=64k", "holdfast-test"], test);
    expect(mount).toBeDefined();
    const daemon = stage.start(["daemon", "--json"]);
    expect((await daemon.ended).exitCode).toBe(1);
    expect(daemon.stdout()).toContain(stage.stateDir);
    expect(daemon.stdout()).toMatch(/"code": ?"FILE_SYSTEM"/);
  });

  it("answers by name when its state directory becomes read-only, and what only looks is answered still", async (test) => {
    await using stage = daemonStage({ more: "server: { listen: '127.0.0.1:0' }\n" });
    mkdirSync(stage.stateDir);
    using mount = mountAt(stage.stateDir, ["-t", "tmpfs", "-o", "size=4m,mode=0700", "holdfast-test"], test);
    expect(mount).toBeDefined();
    const served = openApi(stage.config);
    const taken = await served.ask("POST", "/api/v1/admin/backup", { body: { wait: true } });
    expect(taken.status).toBe(201);
    expect((await runProgram(["mount", "-o", "remount,ro", stage.stateDir])).exitCode).toBe(0);
    const refused = await served.ask("POST", "/api/v1/admin/backup", { body: { wait: true } });
    expect(refused).toMatchObject({ status: 500, body: { code: "FILE_SYSTEM" } });
    expect(await served.ask("GET", "/api/v1/admin/backups")).toMatchObject({ status: 200, body: { total: 1 } });
    expect((await served.ask("GET", "/health")).status).toBe(200);
    expect(served.logged.join("\n")).toMatch(/^error Cannot write the audit log: .*EROFS/m);
  });

  it("takes one backup of concurrent identical requests, and tells the others who has the lease", async () => {
    await using stage = daemonStage({ components: `  dump: { command: ${shell(holding("dump"))}, as: dump.txt }` });
    const served = openApi(stage.config);
    const post = async (headers: Record<string, string> = {}): ReturnType<typeof served.ask> =>
      await served.ask("POST", "/api/v1/admin/backup", { body: {}, headers });
    const answers = await Promise.all([post(), post(), post()]);
    const begun = answers.filter(({ status }) => status === 202);
    expect(begun).toHaveLength(1);
    for (const { status, body } of answers.filter((answer) => answer.status !== 202))
      expect({ status, body }).toMatchObject({ status: 409, body: { code: "LEASE_HELD", details: { holdingOwner: "backup" } } });
    await stage.begun("dump", 1);
    stage.letGo("dump");
    await served.api.settled();

    const key = { "idempotency-key": "once" };
    const same = await Promise.all([post(key), post(key), post(key)]);
    expect(new Set(same.map(({ text }) => text)).size).toBe(1);
    await stage.begun("dump", 2);
    stage.letGo("dump");
    await served.api.settled();
    const { body } = await served.ask("GET", "/api/v1/admin/backups");
    expect((body["backups"] as { id: string }[]).map(({ id }) => id)).toEqual([same[0]?.body["backup_id"], begun[0]?.body["backup_id"]]);
    expect(stage.starts("dump")).toBe(2);
  });
});
