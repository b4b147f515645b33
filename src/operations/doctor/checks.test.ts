import { chmodSync, chownSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { backupHead } from "../../../test/support/backup-head.ts";
import { FAKE_NOW } from "../../../test/support/fake-vault.ts";
import { mountAt } from "../../../test/support/mount.ts";
import { mountTmpfs } from "../../../test/support/mount-tmpfs.ts";
import { componentAt, patientIn } from "../../../test/support/patient.ts";
import { told, wrong } from "../../../test/support/sights.ts";
import { temporaryFolder } from "../../../test/support/temporary-folder.ts";
import { writeTree } from "../../../test/support/write-tree.ts";
import { BusyError, DamageError } from "../../kernel/index.ts";
import { recordRun } from "../last-run.ts";
import { checkClock } from "./clock.ts";
import { checkCommands, findProgram } from "./commands.ts";
import { checkConfiguration } from "./configuration.ts";
import { checkDisk } from "./disk.ts";
import { checkFileSystems, probe } from "./file-systems.ts";
import { checkFreshness } from "./freshness.ts";
import { checkNode } from "./node.ts";
import { checkRuntime } from "./runtime.ts";
import { checkSpace } from "./space.ts";
import { checkSqlite } from "./sqlite.ts";
import { checkVaultContents } from "./vault-contents.ts";
import { checkVault } from "./vault.ts";

const host = (node: string, sqlite?: string): Parameters<typeof checkNode>[0] => ({ env: {}, now: FAKE_NOW, versions: { node, sqlite } });

describe("checkNode() and checkSqlite()", () => {
  it("refuse what is too old, and only that", async () => {
    expect(wrong(await checkNode(host("24.14.9")))).toEqual([expect.stringContaining("24.14.9 is older than 24.15")]);
    expect(wrong(await checkNode(host("24.15.0")))).toEqual([]);
    expect(wrong(await checkNode(host("26.0.0")))).toEqual([]);
    expect(wrong(await checkSqlite(host("24.15.0", "3.51.2")))).toEqual([expect.stringContaining("can corrupt a write-ahead log")]);
    expect(wrong(await checkSqlite(host("24.15.0", "3.51.3")))).toEqual([]);
    expect(wrong(await checkSqlite(host("24.15.0")))).toEqual([expect.stringContaining("carries no SQLite")]);
  });
});

describe("checkClock()", () => {
  it("names backups from the future, and a clock that is long past", async () => {
    const backups = [backupHead({ minute: 12 * 60 + 5 })];
    expect(wrong(await checkClock(patientIn("/nowhere", { listing: { backups } })))).toEqual([
      expect.stringContaining(backups[0]?.id ?? ""),
    ]);
    expect(wrong(await checkClock(patientIn("/nowhere", { listing: { backups: [backupHead({ minute: 1 })] } })))).toEqual([]);
    expect(wrong(await checkClock(patientIn("/nowhere", { now: 0 })))).toEqual([expect.stringContaining("long past")]);
  });
});

describe("checkConfiguration()", () => {
  it("is content with private folders, and names what others may write to or look into", () => {
    using folder = temporaryFolder();
    writeTree(folder.path, { "holdfast.yaml": "", "vault/x": "", ".holdfast/x": "" });
    for (const name of ["vault", ".holdfast"]) chmodSync(folder.join(name), 0o700);
    const patient = patientIn(folder.path);
    expect(wrong(checkConfiguration(patient))).toEqual([]);
    chmodSync(folder.join("vault"), 0o755);
    chmodSync(folder.path, 0o777);
    expect(wrong(checkConfiguration(patient))).toEqual([
      expect.stringMatching(/^problem .*: Everybody may write to it \(mode 0777\)/),
      expect.stringMatching(/^warning .*vault: Others may look into it \(mode 0755\)/),
    ]);
    chmodSync(folder.path, 0o700);
    chownSync(folder.path, 4711, 4711);
    rmSync(folder.join("vault"), { recursive: true });
    writeFileSync(folder.join("vault"), "no folder");
    expect(wrong(checkConfiguration(patient))).toEqual([
      expect.stringContaining("It belongs to user 4711"),
      expect.stringContaining("It is no folder"),
    ]);
  });
});

describe("checkVault()", () => {
  it("tells one that is not there, one that cannot be trusted, and one that is in use", async () => {
    using folder = temporaryFolder();
    expect(wrong(await checkVault(patientIn(folder.path)))).toEqual([expect.stringContaining("There is no vault")]);
    writeTree(folder.path, { "vault/.vault/vault.json": "{" });
    expect(wrong(await checkVault(patientIn(folder.path)))).toEqual([expect.stringMatching(/^problem .*Cannot trust/)]);
    writeTree(folder.path, { "vault/.vault/vault.json": '{"format":1,"id":"a","instance":"acme","created_at":"2026"}' });
    const damaged = new DamageError("VAULT_DAMAGED", "It is broken");
    expect(wrong(await checkVault(patientIn(folder.path, { listing: damaged })))).toEqual(["problem : It is broken"]);
    const busy = new BusyError("VAULT_BUSY", "In use");
    expect(wrong(await checkVault(patientIn(folder.path, { listing: busy })))).toEqual(["warning : In use"]);
    expect(wrong(await checkVault(patientIn(folder.path)))).toEqual([expect.stringContaining("holds no backup")]);
  });
});

describe("checkVaultContents()", () => {
  it("names each thing that should not be so, and the size of the trash", async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, { "vault/.vault/trash/x.tar.gz": "x".repeat(1500) });
    const id = backupHead({ minute: 1 }).id;
    const listing = {
      damaged: [{ name: "one", problem: "torn" }],
      missing: [3],
      chain: ["broken link"],
      unfinished: [".x.partial"],
      foreign: ["lost+found"],
      trash: [{ id, removedAt: "", reason: "" }],
    };
    expect(told(await checkVaultContents(patientIn(folder.path, { listing })))).toEqual([
      "problem : one: torn",
      "problem : backup number 3 is gone, and no removal record names it",
      "problem : broken link",
      expect.stringContaining(".x.partial"),
      expect.stringContaining("lost+found"),
      "ok trash: 1 backup in the trash, 1.5 kB; the next prune deletes what lies there",
    ]);
    expect(wrong(await checkVaultContents(patientIn(folder.path)))).toEqual([]);
  });
});

describe("checkFileSystems()", () => {
  it("tries a write, an fsync and a hard link where Holdfast writes, and leaves nothing", async (test) => {
    using folder = temporaryFolder();
    writeTree(folder.path, { "vault/x": "", ".holdfast/x": "", "memory/a": "" });
    const patient = patientIn(folder.path, { components: [componentAt("memory", folder.join("memory"))] });
    expect(wrong(await checkFileSystems(patient))).toEqual([]);
    expect(probe(folder.join("vault"))).toBeNull();
    using _ = mountAt(folder.join("vault"), ["--bind", "-o", "ro", folder.join("vault")], test);
    expect(wrong(await checkFileSystems(patient))).toEqual([expect.stringMatching(/^problem vault .*cannot make a file there \(EROFS\)/)]);
  });

  it("names what cannot be done on a file system of another sort", async (test) => {
    using folder = temporaryFolder();
    mkdirSync(folder.join("vault"));
    using _ = mountAt(folder.join("vault"), ["-t", "proc", "proc"], test);
    expect(wrong(await checkFileSystems(patientIn(folder.path)))).toEqual([
      expect.stringMatching(/^problem vault .*proc: cannot make a file/),
    ]);
  });

  it("refuses a network or FUSE file system by its name", async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, { "memory/a": "" });
    const patient = patientIn(folder.path, { components: [componentAt("memory", folder.join("memory"))] });
    const sights = await checkFileSystems(patient, () => "NFS");
    expect(wrong(sights)).toEqual([
      expect.stringMatching(/^problem vault .*: It lies on NFS/),
      expect.stringMatching(/^problem state folder .*: It lies on NFS/),
      expect.stringMatching(/^problem component memory: It lies on NFS/),
    ]);
  });
});

describe("checkSpace()", () => {
  it("compares what is free with what the newest backup took, for the vault and beside each component", async (test) => {
    using folder = temporaryFolder();
    using small = mountTmpfs(32 * 1024 * 1024, test);
    mkdirSync(join(small.path, "vault"));
    writeTree(small.path, { db: "" });
    const patient = (bytes: number, stateDir: string): ReturnType<typeof patientIn> =>
      patientIn(folder.path, {
        components: [componentAt("db", join(small.path, "db"))],
        listing: { backups: [backupHead({ components: { db: { source: "sqlite", bytes } } })] },
        config: { stateDir, backup: { ...patientIn("/x").instance.config.backup, path: join(small.path, "vault") } },
      });
    expect(wrong(await checkSpace(patient(1_000_000, folder.path)))).toEqual([]);
    expect(wrong(await checkSpace(patient(20_000_000, folder.path)))).toEqual([expect.stringMatching(/^warning vault: /)]);
    expect(wrong(await checkSpace(patient(64_000_000, folder.path)))).toEqual([
      expect.stringMatching(/^problem vault: /),
      expect.stringMatching(/^warning component db: .*a restore in place needs 64\.0 MB/),
    ]);
    writeFileSync(join(small.path, "filler"), Buffer.alloc(20 * 1024 * 1024));
    expect(wrong(await checkSpace(patient(1, small.path)))).toEqual([expect.stringMatching(/^problem state folder: /)]);
  });
});

describe("checkDisk()", () => {
  it("warns when the vault shares a disk with what it protects", async (test) => {
    using folder = temporaryFolder();
    writeTree(folder.path, { "vault/x": "", "memory/a": "" });
    const here = componentAt("memory", folder.join("memory"));
    expect(wrong(await checkDisk(patientIn(folder.path, { components: [here] })))).toEqual([
      expect.stringContaining("same disk as memory"),
    ]);
    using other = mountTmpfs(1024 * 1024, test);
    expect(wrong(await checkDisk(patientIn(folder.path, { components: [componentAt("memory", other.path)] })))).toEqual([]);
  });
});

describe("checkCommands()", () => {
  it("looks for each program as it will be started", () => {
    using folder = temporaryFolder();
    writeTree(folder.path, { "pause.sh": "", "resume.sh": "" });
    chmodSync(folder.join("resume.sh"), 0o755);
    const pause = { command: [folder.join("pause.sh")], resume: [folder.join("resume.sh")], timeout: 1 };
    const runtime = { stop: ["true"], start: ["no-such-program-here"], timeout: 1, health: null };
    const patient = patientIn(folder.path, {
      components: [componentAt("memory", folder.path, { pause })],
      config: { runtime },
      env: { PATH: "/usr/bin:/bin" },
    });
    expect(wrong(checkCommands(patient))).toEqual([
      expect.stringMatching(/^problem components\.memory\.pause\.command: /),
      'problem runtime.start: "no-such-program-here" is not there, or cannot be executed',
    ]);
    expect(findProgram("./resume.sh", folder.path, "")).toBe(folder.join("resume.sh"));
    expect(findProgram("resume.sh", folder.path, "/usr/bin")).toBeUndefined();
  });
});

describe("checkRuntime()", () => {
  it("misses what a restore needs", () => {
    const runtime = { stop: ["true"], start: ["true"], timeout: 1, health: null };
    expect(wrong(checkRuntime(patientIn("/x")))).toEqual([expect.stringContaining("neither stops nor starts")]);
    expect(wrong(checkRuntime(patientIn("/x", { config: { runtime } })))).toEqual([expect.stringContaining("runtime.health")]);
    const health = { command: ["true"], timeout: 1 };
    expect(wrong(checkRuntime(patientIn("/x", { config: { runtime: { ...runtime, health } } })))).toEqual([]);
  });
});

describe("checkFreshness()", () => {
  it("tells of a run that failed, of what is overdue, and of what was never read back", async () => {
    using folder = temporaryFolder();
    mkdirSync(folder.join(".holdfast"));
    const components = [componentAt("db", "/x", { importance: "critical" }), componentAt("notes", "/y", { importance: "high" })];
    const verified = { at: "2026-03-15T01:00:00Z", holdfast_version: "", manifest_sha256: "0".repeat(64), entries: 1, bytes: 1, ok: true };
    const both = { db: {}, notes: {} };
    const fresh = { backups: [backupHead({ minute: 11 * 60, components: both, marks: { verified } })] };
    expect(wrong(await checkFreshness(patientIn(folder.path, { components, listing: fresh })))).toEqual([]);
    const old = { backups: [backupHead({ minute: 1, components: both })] };
    const later = FAKE_NOW + 86_400_000;
    expect(wrong(await checkFreshness(patientIn(folder.path, { components, listing: old, now: later })))).toEqual([
      expect.stringMatching(/^problem db: overdue/),
      "warning db: No good backup of it was ever read back",
      expect.stringMatching(/^warning notes: overdue/),
      "warning notes: No good backup of it was ever read back",
    ]);
    const month = FAKE_NOW + 31 * 86_400_000;
    expect(wrong(await checkFreshness(patientIn(folder.path, { components, listing: fresh, now: month })))).toContainEqual(
      expect.stringContaining("It was read back last 31d"),
    );
    const verify = { every: 86_400_000, sample: 0.1, sampleText: "10%", maxAge: 11.5 * 3_600_000 };
    const soon = { components, listing: fresh, now: FAKE_NOW + 3_600_000, config: { verify } };
    expect(wrong(await checkFreshness(patientIn(folder.path, soon)))).toEqual([
      "warning db: It was read back last 12h 0m ago",
      "warning notes: It was read back last 12h 0m ago",
      "warning verification: 1 backup was not read back whole within 11h 30m: the longest ago is 12h 0m",
    ]);
    expect(wrong(await checkFreshness(patientIn(folder.path, { ...soon, now: FAKE_NOW })))).toEqual([]);
    recordRun(folder.join(".holdfast"), { at: "then", trigger: "scheduled", ok: false, id: null, code: "NO_SPACE", message: "full" });
    expect(wrong(await checkFreshness(patientIn(folder.path, { components, listing: fresh })))).toEqual([
      "problem : The newest run, then, failed: full",
    ]);
  });
});
