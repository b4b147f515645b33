import { chmodSync, existsSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { documentOf, failureOf, makeInstance, type BackupDocument, type Instance } from "../support/instance.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

/** Writes one line for each call: its name, then the facts. */
const HOOK = `#!/bin/sh
printf '%s|%s|%s|%s|%s|%s|%s|%s\\n' "$1" "$BACKUP_INSTANCE" "$BACKUP_TRIGGER" "$BACKUP_ID" "$BACKUP_OUTCOME" "$BACKUP_ERROR_CODE" "\${BACKUP_ERROR:+told}" "\${HOLDFAST_LEASE-no lease}" >> calls
echo "noise on stdout"
echo "noise on stderr" >&2
`;

function instanceWith(folder: string, hooks: string): Instance {
  writeFileSync(join(folder, "main.txt"), "main");
  writeFileSync(join(folder, "hook"), HOOK);
  chmodSync(join(folder, "hook"), 0o755);
  return makeInstance(folder, "  main: { path: main.txt }", { more: `hooks: ${hooks}\n` });
}

const calls = (folder: string): string[] =>
  existsSync(join(folder, "calls")) ? readFileSync(join(folder, "calls"), "utf8").trim().split("\n") : [];

const ALL = "{ before: [./hook, before], after: [./hook, after], error: [./hook, error] }";

describe("hooks of a backup", () => {
  it("run before and after one that is taken, with its facts; what they print stays out of the document", async () => {
    using folder = temporaryFolder();
    const { run } = instanceWith(folder.path, ALL);
    const taken = documentOf<BackupDocument>(await run("backup", "--json", "--trigger", "scheduled"), 0);
    expect(taken.warnings).toEqual([]);
    expect(calls(folder.path)).toEqual([
      "before|instance|scheduled|||||no lease",
      `after|instance|scheduled|${taken.id}|complete|||no lease`,
    ]);
  });

  it("run `error`, then `after`, of one that failed", async () => {
    using folder = temporaryFolder();
    const { run } = instanceWith(folder.path, ALL);
    expect((await run("backup")).exitCode).toBe(0);
    truncateSync(join(folder.path, "main.txt"));
    expect(failureOf(await run("backup", "--json"), 1).code).toBe("COMPONENT_EMPTY");
    expect(calls(folder.path).slice(2)).toEqual([
      "before|instance|manual|||||no lease",
      "error|instance|manual||failed|COMPONENT_EMPTY|told|no lease",
      "after|instance|manual||failed|COMPONENT_EMPTY|told|no lease",
    ]);
  });

  it("and a `before` that fails lets nothing be captured; `error` and `after` run", async () => {
    using folder = temporaryFolder();
    const { run, vault } = instanceWith(
      folder.path,
      "{ before: [sh, -c, 'echo not now >&2; exit 1'], after: [./hook, after], error: [./hook, error] }",
    );
    expect(failureOf(await run("backup", "--json"), 1)).toMatchObject({
      code: "COMMAND_FAILED",
      message: "Nothing was captured: `hooks.before` ended with exit code 1: not now",
    });
    expect(existsSync(vault)).toBe(false);
    expect(calls(folder.path).map((line) => line.split("|")[0])).toEqual(["error", "after"]);
    const status = await run("status", "--json");
    expect([status.exitCode, status.json()]).toMatchObject([4, { failedRun: { code: "COMMAND_FAILED" } }]);
  });

  it("and a `before` that hangs and does not listen to TERM is ended with its time, and fails the backup", async () => {
    using folder = temporaryFolder();
    const { run, vault } = instanceWith(
      folder.path,
      `{ before: [sh, -c, "trap '' TERM; echo $$ > pid; while :; do sleep 1; done"], after: [./hook, after], timeout: 300ms }`,
    );
    expect(failureOf(await run("backup", "--json"), 1)).toMatchObject({
      code: "COMMAND_FAILED",
      message: "Nothing was captured: `hooks.before` ran longer than 300 ms",
    });
    expect(existsSync(vault)).toBe(false);
    expect(existsSync(`/proc/${readFileSync(join(folder.path, "pid"), "utf8").trim()}`)).toBe(false);
    expect(calls(folder.path)).toHaveLength(1);
  });

  it("that fail after a backup change nothing of it, and are told", async () => {
    using folder = temporaryFolder();
    const { run } = instanceWith(folder.path, "{ after: [sh, -c, 'exit 9'], error: [/nowhere/error] }");
    const taken = documentOf<BackupDocument>(await run("backup", "--json"), 0);
    expect([taken.status, taken.warnings]).toEqual(["complete", ["`hooks.after` ended with exit code 9"]]);
    truncateSync(join(folder.path, "main.txt"));
    const failure = failureOf(await run("backup", "--json"), 1);
    expect(failure.code).toBe("COMPONENT_EMPTY");
    expect(failure.hint).toContain("`hooks.error` cannot be run");
    expect(failure.hint).toContain("`hooks.after` ended with exit code 9");
  });

  it("run `after`, and not `error`, of one that is interrupted", async () => {
    using folder = temporaryFolder();
    const { runWith } = instanceWith(folder.path, "{ after: [./hook, after], error: [./hook, error] }");
    writeFileSync(
      join(folder.path, "holdfast.yaml"),
      readFileSync(join(folder.path, "holdfast.yaml"), "utf8").replace(
        "components:\n",
        "components:\n  slow: { command: [sh, -c, 'sleep 600; echo'], as: slow.txt }\n",
      ),
    );
    let pid = 0;
    let signalled = false;
    const result = await runWith(
      {
        onStart: (started) => (pid = started),
        onOutput: (text) => {
          // Once: a second signal ends it at once.
          if (!signalled && text.includes('"event"')) process.kill(pid, "SIGTERM");
          signalled ||= text.includes('"event"');
        },
      },
      "backup",
      "--json",
      "--progress",
    );
    expect(result.exitCode).toBe(130);
    expect(calls(folder.path)).toEqual(["after|instance|manual||interrupted|INTERRUPTED|told|no lease"]);
  });

  it("do not run of the backup before a restore", async () => {
    using folder = temporaryFolder();
    const { run } = instanceWith(folder.path, ALL);
    expect((await run("backup")).exitCode).toBe(0);
    writeFileSync(join(folder.path, "main.txt"), "changed");
    const restored = await run("restore", "latest", "--yes");
    expect(restored.exitCode, restored.stderr).toBe(0);
    expect((await run("backup", "list")).stdout).toContain("pre-restore");
    expect(calls(folder.path)).toHaveLength(2);
  });

  it("do not run of a backup that is deferred, and get no lease of a run under one", async () => {
    using folder = temporaryFolder();
    const { run, config } = instanceWith(folder.path, ALL);
    const command = [process.execPath, join(import.meta.dirname, "..", "..", "bin", "holdfast.js"), "--config", config, "backup"];
    const script = join(folder.path, "both.sh");
    const quoted = command.map((word) => `'${word}'`).join(" ");
    writeFileSync(script, `#!/bin/sh\n${quoted} || exit 1\nunset HOLDFAST_LEASE\n${quoted}\ntest $? -eq 5\n`);
    chmodSync(script, 0o755);
    const result = await run("lease", "run", "--owner", "both", "--", script);
    expect(result.exitCode, result.stderr).toBe(0);
    expect(calls(folder.path).map((line) => [line.split("|")[0], line.split("|").at(-1)])).toEqual([
      ["before", "no lease"],
      ["after", "no lease"],
    ]);
  });

  it("are looked for by doctor", async () => {
    using folder = temporaryFolder();
    const { run } = instanceWith(folder.path, "{ before: [/nowhere/before], after: [./hook] }");
    const { findings } = (await run("doctor", "--json")).json<{ findings: { check: string; subject: string; verdict: string }[] }>();
    const hooks = findings.filter(({ subject }) => subject?.startsWith("hooks."));
    expect(hooks.map(({ subject, verdict }) => `${subject} ${verdict}`)).toEqual(["hooks.before problem", "hooks.after ok"]);
  });
});
