import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { holdfast } from "../support/holdfast.ts";
import { documentOf, failureOf, makeInstance, type BackupDocument } from "../support/instance.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { writeTree } from "../support/write-tree.ts";

function textOf(file: string): string {
  return gunzipSync(readFileSync(file)).toString("latin1");
}

function part(file: string, name: string): Record<string, unknown> {
  return JSON.parse(execFileSync("tar", ["-xzOf", file, name], { encoding: "utf8" })) as Record<string, unknown>;
}

describe("holdfast bundle", () => {
  it("writes one file for this account alone, which tar reads, and never over another", async () => {
    using folder = temporaryFolder();
    const { run } = makeInstance(folder.path, "  notes: { path: notes }");
    writeTree(folder.path, { "notes/a.md": "a" });
    const { id } = documentOf<BackupDocument>(await run("backup", "--json"), 0);
    const file = folder.join("for-support.tar.gz");
    const { files } = documentOf<{ files: string[] }>(await run("bundle", "--output", file, "--json"), 0);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(execFileSync("tar", ["-tzf", file], { encoding: "utf8" }).trim().split("\n")).toEqual(files);
    expect(files).toEqual(["versions.json", "configuration.json", "doctor.json", "status.json", "backups.json", "last-run.json"]);
    expect(part(file, "backups.json")).toMatchObject({ backups: [{ id, complete: true, verified: null }] });
    expect(part(file, "doctor.json")).toMatchObject({ healthy: true });
    expect(part(file, "status.json")).toMatchObject({ safe: true });
    expect(part(file, "last-run.json")).toMatchObject({ ok: true, id });
    expect(part(file, "versions.json")).toMatchObject({ node: process.versions.node });
    expect(failureOf(await run("bundle", "--output", file, "--json"), 1).code).toBe("FILE_EXISTS");
    await holdfast(["--config", folder.join("holdfast.yaml"), "bundle"], { cwd: folder.join("notes") });
    expect(readdirSync(folder.join("notes")).filter((name) => /^holdfast-bundle-instance-.*\.tar\.gz$/.test(name))).toHaveLength(1);
  });

  it("holds no secret, however it got into configuration, environment or a message", async () => {
    using folder = temporaryFolder();
    const planted = [
      "hunter2-argv",
      "hunter2-after",
      "hunter2-url",
      "hunter2-query",
      "hunter2-env",
      "hunter2-bearer",
      "hunter2-key",
      "hunter2-comment",
    ];
    writeFileSync(
      folder.join("holdfast.yaml"),
      `# password: hunter2-comment
name: instance
components:
  dump:
    command: [sh, -c, "echo password=hunter2-argv 1>&2; echo hunter2-env 1>&2; exit 3", --password, hunter2-after]
    as: dump.sql
  web:
    command: [curl, -H, "Authorization: Bearer hunter2-bearer", "https://bob:hunter2-url@example.org/x?sig=hunter2-query"]
    as: web.json
    importance: medium
  key: { path: "${homedir()}/nowhere/hold", importance: medium }
  pem:
    command: [echo, "-----BEGIN PRIVATE KEY-----\\nhunter2-key\\n-----END PRIVATE KEY-----"]
    as: pem.txt
    importance: medium
backup: { path: backups }
runtime: { stop: ["true"], start: ["true"], health: { url: "http://127.0.0.1:1/health?token=hunter2-query" } }
`,
    );
    const env = { MY_API_TOKEN: "hunter2-env", UNRELATED: "plain" };
    const failed = await holdfast(["--config", folder.join("holdfast.yaml"), "backup"], { env });
    expect(failed.exitCode).toBe(1);
    const file = folder.join("b.tar.gz");
    documentOf(await holdfast(["--config", folder.join("holdfast.yaml"), "bundle", "-o", file, "--json"], { env }), 0);
    const text = textOf(file);
    expect(planted.filter((secret) => text.includes(secret))).toEqual([]);
    expect(text).not.toContain(`${homedir()}/`);
    // Redacted and not left out: the shape of it is what helps.
    expect(part(file, "last-run.json")).toMatchObject({ ok: false, code: expect.any(String) });
    expect(JSON.stringify(part(file, "configuration.json"))).toContain("~/nowhere/hold");
    expect(text).toContain("***");
  });

  it("names no file of the content, also where one is damaged or was left out", async () => {
    using folder = temporaryFolder();
    const components = "  notes: { path: notes, importance: critical }\n  gone: { path: gone, importance: high }";
    const { run } = makeInstance(folder.path, components, { compression: false });
    writeTree(folder.path, { "notes/affair-with-bob.md": "a", "notes/deep/salary-list.md": "b".repeat(50_000) });
    const { location } = documentOf<BackupDocument>(await run("backup", "--json"), 3);
    writeFileSync(join(location, "notes/deep/salary-list.md"), "c");
    expect((await run("verify")).exitCode).toBe(4);
    const file = folder.join("b.tar.gz");
    await run("bundle", "-o", file);
    const text = textOf(file);
    for (const name of ["affair-with-bob", "salary-list", "deep"]) expect(text).not.toContain(name);
    expect(part(file, "backups.json")).toMatchObject({ backups: [{ verified: { ok: false } }] });
  });

  it("says what can be known of the host where the configuration cannot be used, and quotes no line of it", async () => {
    using folder = temporaryFolder();
    writeFileSync(folder.join("holdfast.yaml"), "components: { a: { path: x } }\nbackup: { path: y }\nhunter2-line: [1\n");
    documentOf(await holdfast(["bundle", "-o", folder.join("b.tar.gz"), "--json"], { cwd: folder.path }), 0);
    expect(textOf(folder.join("b.tar.gz"))).not.toContain("hunter2-line: [1");
    expect(part(folder.join("b.tar.gz"), "configuration.json")).toMatchObject({ not_available: "CONFIG_INVALID" });
    expect(part(folder.join("b.tar.gz"), "doctor.json")).toMatchObject({ healthy: false });
  });

  it("leaves nothing behind where it cannot write", async () => {
    using folder = temporaryFolder();
    const { run } = makeInstance(folder.path, "  notes: { path: notes }");
    writeTree(folder.path, { "notes/a.md": "a" });
    expect(failureOf(await run("bundle", "-o", folder.join("no/such/b.tar.gz"), "--json"), 1).code).toBe("FILE_SYSTEM");
    expect(existsSync(folder.join("no"))).toBe(false);
  });
});
