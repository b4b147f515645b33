import { chmodSync, chownSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { asUser } from "../support/as-user.ts";
import { createBank } from "../support/bank.ts";
import { holdfast, LAUNCHER } from "../support/holdfast.ts";
import { documentOf } from "../support/instance.ts";
import { recordTree } from "../support/record-tree.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { makeWorkspace } from "../support/workspace.ts";

interface Doctor {
  readonly healthy: boolean;
  readonly counts: Readonly<Record<string, number>>;
  readonly findings: readonly { check: string; subject: string | null; verdict: string; seen: string; todo: string | null }[];
}

function wrong({ findings }: Doctor): string[] {
  return findings
    .filter(({ verdict }) => verdict === "problem" || verdict === "unknown")
    .map(({ check, subject, verdict }) => `${check} ${subject ?? ""} ${verdict}`);
}

describe("holdfast doctor", () => {
  it("exits 1 before the first backup, 0 once there is one, and changes nothing", async () => {
    using folder = temporaryFolder();
    const { config } = makeWorkspace(folder.path);
    const first = documentOf<Doctor>(await holdfast(["--config", config, "doctor", "--json"]), 1);
    expect(wrong(first)).toEqual(["persistence", "memory", "config", "checkpoints"].map((name) => `freshness ${name} problem`));
    await holdfast(["--config", config, "backup"]);
    const before = recordTree(folder.path);
    const second = documentOf<Doctor>(await holdfast(["--config", config, "doctor", "--json"]), 0);
    expect(second.healthy).toBe(true);
    expect(recordTree(folder.path).records).toEqual(before.records);
    expect(second.findings.every(({ verdict, todo }) => (verdict === "ok") === (todo === null))).toBe(true);
    const quiet = await holdfast(["--config", config, "doctor", "--quiet"]);
    expect(quiet.stdout).not.toContain("ok  ");
    expect(quiet.stdout).toMatch(/0 problems, \d+ warnings, \d+ ok/);
  });

  it("says what is wrong first, and what to do about it", async () => {
    using folder = temporaryFolder();
    const { config, database, vault } = makeWorkspace(folder.path);
    await holdfast(["--config", config, "backup"]);
    writeFileSync(database, "it was a database once");
    rmSync(folder.join("company.yaml"));
    const { exitCode, stdout } = await holdfast(["--config", config, "doctor"]);
    expect(exitCode).toBe(1);
    expect(stdout.split("\n")[0]).toMatch(/^!! {2}components \(persistence\): It was a database in the newest good backup/);
    expect(stdout).toMatch(/^!! {2}components \(config\): It is not there/m);
    rmSync(vault, { recursive: true });
    writeFileSync(vault, "no folder");
    const broken = documentOf<Doctor>(await holdfast(["--config", config, "doctor", "--json"]), 1);
    expect(wrong(broken)).toEqual(expect.arrayContaining(["components  unknown", "freshness  unknown"]));
    expect(broken.findings.find(({ check }) => check === "node")).toMatchObject({ verdict: "ok" });
  });

  it("looks at the host where the configuration cannot be used", async () => {
    using folder = temporaryFolder();
    const none = documentOf<Doctor>(await holdfast(["doctor", "--json"], { cwd: folder.path }), 1);
    expect(wrong(none)).toEqual(["configuration  problem"]);
    expect(none.findings.find(({ check }) => check === "sqlite")).toMatchObject({ verdict: "ok" });
    writeFileSync(folder.join("holdfast.yaml"), "components: 7\n");
    expect(wrong(documentOf<Doctor>(await holdfast(["doctor", "--json"], { cwd: folder.path }), 1))).toEqual(["configuration  problem"]);
  });

  it("as another account: names what it may not read, and the log of a database that it may not write", async () => {
    using folder = temporaryFolder();
    chmodSync(folder.path, 0o755);
    mkdirSync(folder.join("run"));
    const { config } = makeWorkspace(folder.join("run"), { components: "  live: { path: live/live.db }" });
    chmodSync(folder.join("run/company.yaml"), 0o600);
    mkdirSync(folder.join("run/live"), { mode: 0o755 });
    using _ = createBank(folder.join("run/live/live.db"));
    chmodSync(folder.join("run/live/live.db"), 0o644);
    for (const name of ["run/.holdfast", "run/backups"]) {
      mkdirSync(folder.join(name), { mode: 0o700 });
      chownSync(folder.join(name), 4711, 4711);
    }
    const result = await asUser(4711, [process.execPath, LAUNCHER, "--config", config, "doctor", "--json"], { cwd: folder.path });
    const report = documentOf<Doctor>(result, 1);
    expect(report.findings.find(({ check, subject }) => check === "components" && subject === "config")).toMatchObject({
      verdict: "problem",
      seen: expect.stringContaining("EACCES"),
    });
    expect(report.findings.find(({ check, subject }) => check === "components" && subject === "live")).toMatchObject({
      verdict: "problem",
      seen: expect.stringContaining("-shm"),
    });
  });

  it("finds a restore that did not end, as status does, until it is settled", async () => {
    using folder = temporaryFolder();
    const { config } = makeWorkspace(folder.path);
    await holdfast(["--config", config, "backup"]);
    const crashed = await holdfast(["--config", config, "restore", "latest", "--yes"], {
      env: { HOLDFAST_CRASHPOINT: "in-place-swapped" },
    });
    expect(crashed.signal).toBe("SIGKILL");
    const report = documentOf<Doctor>(await holdfast(["--config", config, "doctor", "--json"]), 1);
    expect(wrong(report)).toEqual(["leftovers  problem"]);
    expect((await holdfast(["--config", config, "status"])).exitCode).toBe(4);
    expect((await holdfast(["--config", config, "restore", "--settle"])).exitCode).toBe(0);
    documentOf<Doctor>(await holdfast(["--config", config, "doctor", "--json"]), 0);
    expect((await holdfast(["--config", config, "status"])).exitCode).toBe(0);
  });
});
