import { readFileSync, writeFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createClient } from "../../src/contract/index.ts";
import { orchestrate } from "../../src/operations/index.ts";
import { openApi } from "../support/api.ts";
import { makeRestorable } from "../support/restorable.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { makeWorkspace } from "../support/workspace.ts";

/** For a machine that has other things to do. */
const PATIENT = { timeout: 30_000, interval: 5 };
const SERVER = "server: { listen: '127.0.0.1:0' }\n";

/** The status line of a request whose headers are set by hand, which fetch does not allow. */
async function statusWith(url: string, path: string, headers: Readonly<Record<string, string>>): Promise<number> {
  return await new Promise((resolve, reject) => {
    httpRequest(`${url}${path}`, { headers }, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    })
      .once("error", reject)
      .end();
  });
}

describe("the API over a socket", () => {
  it("serves the typed client from the first backup to the content of the last file, and its events", async () => {
    using folder = temporaryFolder();
    const place = makeWorkspace(folder.path, { extra: SERVER });
    const served = openApi(place.config);
    const { url, close } = await served.api.listen();
    const client = createClient({ url, token: served.token.restore });
    const events = await client.events();
    const taken = await client.takeBackup({ body: { wait: true } });
    if (taken.status !== 201) throw new Error("It was to wait");
    const { backup_id } = taken.body;
    const { body: page } = await client.listBackups({ query: { limit: 5 } });
    expect(page.backups.map(({ id }) => id)).toEqual([backup_id]);
    const { body: content } = await client.readContent({ params: { id: backup_id }, query: { path: "config" } });
    expect(await new Response(content).text()).toBe("name: Acme\n");
    await expect(client.showBackup({ params: { id: "latest:verified" } })).rejects.toMatchObject({ problem: { code: "BACKUP_NOT_FOUND" } });
    expect(await statusWith(url, "/api/v1/status", { host: "evil.example", authorization: `Bearer ${served.token.read}` })).toBe(421);
    expect(await statusWith(url, "/health", {})).toBe(200);
    expect(await statusWith(url, "/metrics", {})).toBe(401);
    await close();
    const told = await new Response(events.body).text();
    expect(told).toMatch(/event: run\.started\ndata: .*"kind":"backup"/);
    expect(told).toMatch(new RegExp(`event: run\\.finished\\ndata: .*"outcome":"completed".*"backup_id":"${backup_id}"`));
  });

  it("lets a restore go on when its client hangs up, and says at /runs what became of it", async () => {
    using folder = temporaryFolder();
    const place = await makeRestorable(folder.path, { extra: SERVER });
    const served = openApi(place.config);
    const { url, close } = await served.api.listen();
    const client = createClient({ url, token: served.token.restore });
    const hangUp = new AbortController();
    const restore = client.restore({ body: { backup_id: place.id, confirm: place.id }, signal: hangUp.signal });
    restore.catch(() => {});
    await expect.poll(async () => (await client.listRuns()).body.runs[0]?.kind, PATIENT).toBe("restore");
    hangUp.abort();
    await expect(restore).rejects.toThrow("aborted");
    await served.api.settled();
    const [run] = (await client.listRuns()).body.runs;
    expect(run).toMatchObject({ kind: "restore", outcome: "completed", result: { backup_id: place.id, restart_required: true } });
    expect(place.see()).toEqual(place.restored);
    await close();
  });

  it("runs a task of the daemon, once at a time, and remembers it in the ledger", async () => {
    using folder = temporaryFolder();
    const gate = join(folder.path, "gate");
    writeFileSync(join(folder.path, "task.sh"), `#!/bin/sh\nwhile [ ! -e "${gate}" ]; do sleep 0.05; done\necho "token=hush done"\n`, {
      mode: 0o755,
    });
    const place = makeWorkspace(folder.path, { extra: `${SERVER}tasks: { wait: { command: [./task.sh], every: 1h } }\n` });
    const orchestrations: ReturnType<typeof orchestrate>[] = [];
    const served = openApi(place.config, (instance) => {
      orchestrations.push(orchestrate(instance, () => {}));
      return orchestrations[0]!;
    });
    await using orchestration = orchestrations[0]!;
    expect(orchestration.defined.tasks.map(({ name }) => name)).toContain("wait");
    const client = served.client();
    const started = await client.runTask({ params: { name: "wait" } });
    expect(started.status).toBe(202);
    await expect(client.runTask({ params: { name: "wait" } })).rejects.toMatchObject({ problem: { code: "TASK_RUNNING", status: 409 } });
    const id = "run_id" in started.body ? started.body.run_id : "";
    expect((await client.showRun({ params: { id } })).body).toMatchObject({ outcome: "running", task: "wait", trigger: "manual" });
    writeFileSync(gate, "");
    await expect.poll(async () => (await client.showRun({ params: { id } })).body.outcome, PATIENT).toBe("completed");
    const { body } = await client.listRuns({ query: { task: "wait" } });
    expect(body.runs).toMatchObject([{ run_id: id, exit_code: 0, last_lines: expect.stringContaining("token=***") as string }]);
    expect((await client.metrics()).body).toContain('holdfast_task_runs{task="wait",outcome="completed"} 1\n');
  });

  it("forgets listeners that have hung up", async () => {
    using folder = temporaryFolder();
    const served = openApi(makeWorkspace(folder.path, { extra: SERVER }).config);
    const { url, close } = await served.api.listen();
    const client = createClient({ url, token: served.token.read });
    for (let n = 0; n < 80; n += 1) {
      const hangUp = new AbortController();
      await client.events({ signal: hangUp.signal });
      hangUp.abort();
    }
    await expect.poll(async () => (await client.events().catch(() => ({ status: 429 }))).status, PATIENT).toBe(200);
    await close();
  });

  it("keeps its tokens over a restart", async () => {
    using folder = temporaryFolder();
    const place = makeWorkspace(folder.path, { extra: SERVER });
    const before = readTokens(openApi(place.config).instance.config.stateDir);
    expect(readTokens(openApi(place.config).instance.config.stateDir)).toEqual(before);
  });
});

function readTokens(stateDir: string): string {
  return readFileSync(join(stateDir, "tokens.json"), "utf8") + readFileSync(join(stateDir, "tokens", "read"), "utf8");
}
