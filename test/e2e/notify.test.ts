import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { LAUNCHER } from "../support/holdfast.ts";
import { endpoint, HANG, redirectTo, type Endpoint } from "../support/endpoint.ts";
import { documentOf, failureOf, makeInstance, type BackupDocument, type Instance } from "../support/instance.ts";
import { runProgram } from "../support/run-program.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const EVENTS = "[success, failure, overdue, starving, damage]";

function instanceTelling(folder: string, notify: readonly string[], components = "  main: { path: main.txt }"): Instance {
  writeFileSync(join(folder, "main.txt"), "main");
  return makeInstance(folder, components, { more: `notify:\n${notify.map((line) => `  - ${line}\n`).join("")}` });
}

const told = ({ asked }: Endpoint): string[] =>
  asked.map((one) => {
    const { event, state, subject } = one.json();
    return `${String(event)} ${String(state)} ${String(subject)}`;
  });

describe("holdfast backup that tells", () => {
  it("a webhook of success and of failure, a check by its pings, a program by its standard input", async () => {
    using folder = temporaryFolder();
    await using server = await endpoint();
    await using check = await endpoint();
    const { run } = instanceTelling(folder.path, [
      `{ url: "${server.url}/hook", on: ${EVENTS}, headers: { Authorization: Bearer abc } }`,
      `{ url: "${check.url}/uuid", style: healthchecks }`,
      `{ command: [sh, -c, "cat >> told.jsonl"], on: [failure] }`,
    ]);
    const { id, warnings } = documentOf<BackupDocument>(await run("backup", "--json"), 0);
    expect(warnings).toEqual([]);
    truncateSync(join(folder.path, "main.txt"));
    expect(failureOf(await run("backup", "--json", "--trigger", "scheduled"), 1).code).toBe("COMPONENT_EMPTY");
    expect(told(server)).toEqual([`success null ${id}`, "failure null scheduled backup"]);
    expect(server.asked[0]?.json()).toMatchObject({
      schema: "holdfast.notification/1",
      instance: "instance",
      details: { backup_id: id, trigger: "manual", status: "complete" },
    });
    expect(server.asked[1]?.json()).toMatchObject({ details: { code: "COMPONENT_EMPTY", trigger: "scheduled", backup_id: null } });
    expect(server.asked[0]?.headers.authorization).toBe("Bearer abc");
    expect(check.asked.map(({ path }) => path)).toEqual(["/uuid", "/uuid/fail"]);
    const lines = readFileSync(join(folder.path, "told.jsonl"), "utf8").trim().split("\n");
    expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([{ event: "failure" }]);
  });

  it("of a partial backup as a failure: something declared is not safe", async () => {
    using folder = temporaryFolder();
    await using server = await endpoint();
    const { run } = instanceTelling(
      folder.path,
      [`{ url: "${server.url}", on: ${EVENTS} }`],
      "  main: { path: main.txt }\n  notes: { path: notes, importance: high }",
    );
    const { id } = documentOf<BackupDocument>(await run("backup", "--json"), 3);
    expect(told(server)).toEqual([`failure null ${id}`]);
    expect(server.asked[0]?.json()["message"]).toContain("partial");
  });

  it("and an endpoint that hangs keeps it no longer than its timeout, and changes no exit code", async () => {
    using folder = temporaryFolder();
    await using server = await endpoint();
    server.otherwise(HANG);
    const { run } = instanceTelling(folder.path, [`{ url: "${server.url}", on: ${EVENTS}, timeout: 500ms }`]);
    const taken = documentOf<BackupDocument>(await run("backup", "--json"), 0);
    expect(taken.warnings).toEqual([expect.stringContaining("did not answer in time; the notification is kept")]);
    truncateSync(join(folder.path, "main.txt"));
    const failed = await run("backup");
    expect(failed.exitCode).toBe(1);
    expect(failed.stderr).toContain("Not told");
    expect(server.asked.length).toBeGreaterThan(0);
    server.otherwise(200);
    writeFileSync(join(folder.path, "main.txt"), "main again");
    expect((await run("backup", "--json")).exitCode).toBe(0);
    expect(
      new Set(
        told(server)
          .slice(-3)
          .map((line) => line.split(" ")[0]),
      ),
    ).toEqual(new Set(["success", "failure"]));
    expect(told(server).at(-1)).toContain("success");
  });

  it("is cut off by a signal while it tells, and has its backup", async () => {
    using folder = temporaryFolder();
    await using server = await endpoint();
    server.otherwise(HANG);
    const { run, runWith } = instanceTelling(folder.path, [`{ url: "${server.url}", on: ${EVENTS}, timeout: 60s }`]);
    let pid = 0;
    const running = runWith({ onStart: (started) => (pid = started) }, "backup", "--json");
    await server.until(1);
    process.kill(pid, "SIGTERM");
    const { id } = documentOf<BackupDocument>(await running, 0);
    expect((await run("backup", "list")).stdout).toContain(id);
  });

  it("is killed while it tells: the backup is there, and the next one to tell sends what it had to say", async () => {
    using folder = temporaryFolder();
    await using server = await endpoint();
    server.script(HANG);
    const { run, runWith } = instanceTelling(folder.path, [`{ url: "${server.url}", on: ${EVENTS}, timeout: 60s }`]);
    let pid = 0;
    const running = runWith({ onStart: (started) => (pid = started) }, "backup", "--json");
    await server.until(1);
    process.kill(pid, "SIGKILL");
    expect((await running).signal).toBe("SIGKILL");
    const { id } = documentOf<BackupDocument>(await run("backup", "--json"), 0);
    const [lost, again, own, ...more] = server.asked.map((asked) => asked.json());
    expect([again?.["id"], more]).toEqual([lost?.["id"], []]);
    expect(own).toMatchObject({ event: "success", subject: id });
    expect((await run("backup", "list")).stdout).toContain(String(lost?.["subject"]));
  });

  it("tells no secret of a failure, and no other host by a redirect", async () => {
    using folder = temporaryFolder();
    await using server = await endpoint();
    await using redirecting = await endpoint();
    redirecting.otherwise(redirectTo("http://169.254.169.254/latest/meta-data/", 307));
    const { run } = instanceTelling(
      folder.path,
      [`{ url: "${server.url}" }`, `{ url: "${redirecting.url}" }`, "{ url: http://169.254.169.254/ }"],
      '  main: { path: main.txt }\n  dump: { command: [sh, -c, "echo password=hunter2 >&2; exit 1"], as: dump.txt }',
    );
    const result = await run("backup");
    expect(result.exitCode).toBe(1);
    expect(server.asked).toHaveLength(1);
    expect(server.asked[0]?.body).not.toContain("hunter2");
    expect(redirecting.asked).toHaveLength(1);
    expect(result.stderr).toContain("no other host is told");
    expect(result.stderr).toContain("link-local");
  });

  it("says nothing of a backup that is deferred, and nothing of the one before a restore", async () => {
    using folder = temporaryFolder();
    await using server = await endpoint();
    const { run, config } = instanceTelling(folder.path, [`{ url: "${server.url}", on: ${EVENTS} }`]);
    expect((await run("backup")).exitCode).toBe(0);
    writeFileSync(join(folder.path, "main.txt"), "changed");
    const restored = await run("restore", "latest", "--yes");
    expect(restored.exitCode, restored.stderr).toBe(0);
    const inside = 'unset HOLDFAST_LEASE; "$@"; test $? -eq 5';
    const command = [process.execPath, LAUNCHER, "--config", config, "backup"];
    expect((await run("lease", "run", "--owner", "other", "--", "sh", "-c", inside, "sh", ...command)).exitCode).toBe(0);
    expect(server.asked).toHaveLength(1);
  });
});

describe("holdfast verify that tells", () => {
  it("of a backup that turned bad, once", async () => {
    using folder = temporaryFolder();
    await using server = await endpoint();
    const { run, vault } = instanceTelling(folder.path, [`{ url: "${server.url}" }`]);
    const { id, location } = documentOf<BackupDocument>(await run("backup", "--json"), 0);
    truncateSync(location, 600);
    expect(readdirSync(vault).length).toBeGreaterThan(0);
    for (let n = 0; n < 2; n += 1) expect((await run("verify", "--all")).exitCode).toBe(4);
    expect(server.asked).toHaveLength(1);
    expect(told(server)[0]).toMatch(/^damage begin /);
    expect(server.asked[0]?.body).toContain(id);
  });
});

describe("holdfast notify test", () => {
  it.runIf(process.getuid?.() === 0)("connects to no name that stands for a link-local address", async () => {
    using folder = temporaryFolder();
    writeFileSync(folder.join("hosts"), "127.0.0.1 localhost\n169.254.169.254 metadata.example\nfe80::1 neighbour.example\n");
    const { config } = instanceTelling(folder.path, ["{ url: http://metadata.example/ }", "{ url: http://neighbour.example:8080/ }"]);
    const inside = 'mount --bind "$0" /etc/hosts && exec "$@"';
    const command = [process.execPath, LAUNCHER, "--config", config, "notify", "test", "--json"];
    const result = await runProgram(["unshare", "--mount", "sh", "-c", inside, folder.join("hosts"), ...command], {
      env: { HOLDFAST_CONFIG: undefined },
    });
    expect(result.exitCode, result.stderr).toBe(1);
    expect(result.json<{ endpoints: { problem: string }[] }>().endpoints.map(({ problem }) => problem)).toEqual([
      '"metadata.example" is a link-local address, and none is asked',
      '"neighbour.example" is a link-local address, and none is asked',
    ]);
  });

  it("says what came of each endpoint, and exits 1 when one failed", async () => {
    using folder = temporaryFolder();
    await using server = await endpoint();
    await using broken = await endpoint();
    broken.otherwise(404);
    const { run } = instanceTelling(folder.path, [`{ url: "${server.url}" }`, `{ url: "${broken.url}/secret-path", style: healthchecks }`]);
    const result = await run("notify", "test");
    expect(result.exitCode).toBe(1);
    expect(result.stdout).toBe(
      `delivered ${server.url} (told of failure, overdue, starving, damage)\nFAILED ${broken.url}/… (told of success, failure): It answered 404\n`,
    );
    expect(server.asked[0]?.json()).toMatchObject({ event: "test" });
    broken.otherwise(200);
    expect(documentOf(await run("notify", "test", "--json"), 0)).toMatchObject({
      schema: "holdfast.notify-test/1",
      endpoints: [{ delivered: true }, { delivered: true, problem: null }],
    });
    expect(broken.asked.at(-1)?.path).toBe("/secret-path/log");
  });

  it("refuses where nobody is declared", async () => {
    using folder = temporaryFolder();
    writeFileSync(folder.join("main.txt"), "main");
    const { run } = makeInstance(folder.path, "  main: { path: main.txt }");
    expect(failureOf(await run("notify", "test", "--json"), 2)).toMatchObject({ code: "CONFIG_INVALID" });
  });
});

describe("holdfast doctor, and a bundle", () => {
  it("say who is told and what waits, without the path of an address or its header fields", async () => {
    using folder = temporaryFolder();
    await using server = await endpoint();
    server.otherwise(500);
    const { run } = instanceTelling(folder.path, [
      `{ url: "${server.url}/T0/XXXX", on: [success], timeout: 500ms, headers: { X-Hook: s3cr3t } }`,
    ]);
    expect((await run("backup")).exitCode).toBe(0);
    const { findings } = (await run("doctor", "--json")).json<{ findings: { check: string; verdict: string; seen: string }[] }>();
    expect(findings.filter(({ check }) => check === "notify")).toMatchObject([
      { verdict: "warning", seen: `${server.url}/… is told of success; 1 notification waits to be delivered` },
    ]);
    expect((await run("bundle", "--output", folder.join("bundle.tar.gz"))).exitCode).toBe(0);
    const text = execFileSync("tar", ["-xzOf", folder.join("bundle.tar.gz")], { encoding: "utf8" });
    expect(text).toContain(server.url);
    for (const secret of ["XXXX", "s3cr3t"]) expect(text).not.toContain(secret);
  });
});
