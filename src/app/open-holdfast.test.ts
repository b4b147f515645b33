import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { makeWorkspace } from "../../test/support/workspace.ts";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { ConfigError, InterruptedError, NotFoundError } from "../kernel/index.ts";
import { openHoldfast } from "./open-holdfast.ts";
import { withHeavyMaintenance } from "./with-heavy-maintenance.ts";

const backupsIn = (vault: string): string[] => readdirSync(vault).filter((name) => name.endsWith(".tar.gz"));

describe("openHoldfast()", () => {
  it("takes a backup in a process of its own and gives what the command prints with --json", async () => {
    using folder = temporaryFolder();
    const { config, vault } = makeWorkspace(folder.path);
    await using holdfast = await openHoldfast({ config });
    const phases = new Set<string>();
    const result = await holdfast.backup({
      trigger: "startup",
      tags: ["nightly"],
      components: ["persistence", "config"],
      onProgress: ({ phase }) => phases.add(phase),
    });
    expect(result).toMatchObject({ schema: "holdfast.backup/1", status: "complete", trigger: "startup" });
    expect(result.components.map(({ name }) => name)).toEqual(["persistence", "config", "holdfast"]);
    expect(backupsIn(vault)).toEqual([`${result.id}.tar.gz`]);
    expect([...phases]).toContain("preflight");
  });

  it("throws the error that the command ended with, in its class", async () => {
    using folder = temporaryFolder();
    const { config } = makeWorkspace(folder.path);
    await using holdfast = await openHoldfast({ config });
    await expect(holdfast.backup({ components: ["memry"] })).rejects.toSatisfy(
      (error) => error instanceof NotFoundError && error.code === "COMPONENT_NOT_FOUND" && error.hint === 'Did you mean "memory"?',
    );
    await expect(holdfast.backup({ tags: ["no good"] })).rejects.toMatchObject({ code: "USAGE" });
  });

  it("refuses a configuration that is not there, before anything is started", async () => {
    using folder = temporaryFolder();
    await expect(openHoldfast({ config: folder.join("gone.yaml") })).rejects.toBeInstanceOf(ConfigError);
  });

  it("an abort stops the work, and nothing is listed", async () => {
    using folder = temporaryFolder();
    const { config, vault } = makeWorkspace(folder.path, { components: '  slow: { command: [sleep, "600"], as: slow.txt }' });
    await using holdfast = await openHoldfast({ config });
    const abort = new AbortController();
    const reason = new Error("enough");
    const running = holdfast.backup({ components: ["slow"], signal: abort.signal, onProgress: () => abort.abort(reason) });
    await expect(running).rejects.toSatisfy(
      (error) => error instanceof InterruptedError && error.code === "INTERRUPTED" && error.cause === reason,
    );
    expect(existsSync(vault) ? backupsIn(vault) : []).toEqual([]);
    await expect(holdfast.backup({ components: ["config"] })).resolves.toMatchObject({ status: "complete" });
    expect(backupsIn(vault)).toHaveLength(1);
    await expect(holdfast.backup({ signal: abort.signal })).rejects.toBe(reason);
  });

  it("stops what runs when it is disposed, and waits for its end", async () => {
    using folder = temporaryFolder();
    const { config } = makeWorkspace(folder.path, { components: '  slow: { command: [sleep, "600"], as: slow.txt }' });
    const started = Promise.withResolvers<void>();
    let running: Promise<unknown>;
    {
      await using holdfast = await openHoldfast({ config });
      running = holdfast.backup({ components: ["slow"], onProgress: () => started.resolve() });
      running.catch(() => {});
      await started.promise;
    }
    await expect(running).rejects.toMatchObject({ code: "INTERRUPTED" });
  });
});

describe("openHoldfast().restore()", () => {
  it("runs `resume` also when `quiesce` throws half-way, and nothing is restored", async () => {
    using folder = temporaryFolder();
    const { config } = makeWorkspace(folder.path);
    await using holdfast = await openHoldfast({ config });
    const failure = new Error("a handle does not close");
    let resumed = 0;
    const restoring = holdfast.restore("latest", {
      quiesce: () => Promise.reject(failure),
      resume: () => void (resumed += 1),
    });
    await expect(restoring).rejects.toBe(failure);
    expect(resumed).toBe(1);
    expect(existsSync(folder.join(".holdfast"))).toBe(false);
  });

  it("throws why the restore failed also when `resume` fails, which its hint says", async () => {
    using folder = temporaryFolder();
    const { config } = makeWorkspace(folder.path);
    await using holdfast = await openHoldfast({ config });
    const resume = (): never => {
      throw new Error("the port is taken");
    };
    await expect(holdfast.restore("latest", { quiesce: () => {}, resume })).rejects.toMatchObject({
      code: "BACKUP_NOT_FOUND",
      hint: expect.stringContaining("`resume` has failed as well: the port is taken"),
    });
    const failure = new Error("a handle does not close");
    await expect(holdfast.restore("latest", { quiesce: () => Promise.reject(failure), resume })).rejects.toMatchObject({ cause: failure });
  });
});

describe("withHeavyMaintenance()", () => {
  it("runs the body under the lease, and one at a time", async () => {
    using folder = temporaryFolder();
    const { config } = makeWorkspace(folder.path);
    await using holdfast = await openHoldfast({ config });
    const inside = Promise.withResolvers<void>();
    const done = Promise.withResolvers<string>();
    const first = holdfast.withHeavyMaintenance("kbSync", async (lease) => {
      lease.progress({ doing: "syncing", progress: 0.5 });
      inside.resolve();
      return `${await done.promise} ${lease.owner}`;
    });
    await inside.promise;
    const second = await withHeavyMaintenance("dream", () => Promise.reject(new Error("must not run")), { config });
    expect(second).toMatchObject({ outcome: "deferred", held: { holder: { owner: "kbSync", pid: process.pid } } });
    await expect(holdfast.backup({ components: ["config"] })).rejects.toMatchObject({
      code: "LEASE_HELD",
      details: { holdingOwner: "kbSync", holdingPid: process.pid },
    });
    done.resolve("by");
    await expect(first).resolves.toEqual({ outcome: "completed", value: "by kbSync" });
    await expect(withHeavyMaintenance("dream", async () => "ran", { config })).resolves.toEqual({ outcome: "completed", value: "ran" });
  });

  it("throws what the body throws, and the lease is free again", async () => {
    using folder = temporaryFolder();
    const { config } = makeWorkspace(folder.path);
    const failure = new Error("the body's own");
    await expect(withHeavyMaintenance("kbSync", () => Promise.reject(failure), { config })).rejects.toBe(failure);
    await expect(withHeavyMaintenance("kbSync", async () => 1, { config })).resolves.toMatchObject({ outcome: "completed" });
  });

  it("hands the lease to a backup inside the body", async () => {
    using folder = temporaryFolder();
    const { config } = makeWorkspace(folder.path);
    await using holdfast = await openHoldfast({ config });
    const run = await holdfast.withHeavyMaintenance("nightly", async (lease) => await holdfast.backup({ components: ["config"], lease }));
    expect(run).toMatchObject({ outcome: "completed", value: { status: "complete" } });
  });

  it("an acquire error never runs the body", async () => {
    using folder = temporaryFolder();
    const { config } = makeWorkspace(folder.path);
    await withHeavyMaintenance("kbSync", async () => 1, { config });
    rmSync(folder.join(".holdfast", "lease"), { recursive: true });
    let ran = false;
    const run = withHeavyMaintenance("kbSync", async () => void (ran = true), { config });
    await expect(run).rejects.toMatchObject({ code: "LEASE_STORE_MISSING" });
    expect(ran).toBe(false);
  });
});

describe("startup(), shutdown(), beforeMigration()", () => {
  it("take a backup each, and run the migration after its own", async () => {
    using folder = temporaryFolder();
    const { config, vault } = makeWorkspace(folder.path);
    const words: string[] = [];
    await using holdfast = await openHoldfast({ config, onLog: (_level, message) => void words.push(message) });
    expect(await holdfast.startup()).toMatchObject({ outcome: "taken", complete: true });
    let before: string[] = [];
    const answer = await holdfast.beforeMigration({ from: 3, to: 4 }, () => {
      before = backupsIn(vault);
      return "migrated";
    });
    expect(answer).toBe("migrated");
    expect(before.filter((name) => name.includes("pre-migration"))).toHaveLength(1);
    expect(await holdfast.shutdown()).toMatchObject({ outcome: "taken" });
    expect(backupsIn(vault).map((name) => name.replace(/^.*_|\.tar\.gz$/g, ""))).toEqual(
      expect.arrayContaining(["startup", "pre-migration", "shutdown"]),
    );
    expect(words.filter((word) => /^Backup .* is taken\.$/.test(word))).toHaveLength(3);
  });

  it("a failure is an outcome for startup and shutdown, and keeps a migration from running", async () => {
    using folder = temporaryFolder();
    const { config } = makeWorkspace(folder.path);
    rmSync(folder.join("company.yaml"));
    await using holdfast = await openHoldfast({
      config,
      onLog: () => {
        throw new Error("the host's own");
      },
    });
    expect(await holdfast.startup()).toMatchObject({ outcome: "failed", error: { code: "COMPONENT_MISSING" } });
    expect(await holdfast.shutdown()).toMatchObject({ outcome: "failed", error: { code: "COMPONENT_MISSING" } });
    let ran = false;
    await expect(holdfast.beforeMigration({ from: 1, to: 2 }, () => void (ran = true))).rejects.toMatchObject({
      code: "COMPONENT_MISSING",
    });
    expect(ran).toBe(false);
  });
});

describe("restore()", () => {
  it("is refused without quiesce and resume, and nothing is touched", async () => {
    using folder = temporaryFolder();
    const { config } = makeWorkspace(folder.path);
    await using holdfast = await openHoldfast({ config });
    const request = {} as Parameters<typeof holdfast.restore>[1];
    await expect(holdfast.restore("latest", request)).rejects.toMatchObject({ code: "USAGE" });
  });

  it("puts the state back between quiesce and resume, and resumes after a failure as well", async () => {
    using folder = temporaryFolder();
    const { config } = makeWorkspace(folder.path);
    await using holdfast = await openHoldfast({ config });
    const { id } = await holdfast.backup();
    writeFileSync(folder.join("company.yaml"), "name: Broken\n");
    const calls: string[] = [];
    const handles = { quiesce: () => void calls.push("quiesce"), resume: () => void calls.push("resume") };
    const result = await holdfast.restore(id, handles);
    expect(result).toMatchObject({ id });
    expect(result.safety).toContain("pre-restore");
    expect(readFileSync(folder.join("company.yaml"), "utf8")).toBe("name: Acme\n");
    expect(calls).toEqual(["quiesce", "resume"]);
    await expect(holdfast.restore("2020-01-01", handles)).rejects.toBeInstanceOf(NotFoundError);
    expect(calls).toEqual(["quiesce", "resume", "quiesce", "resume"]);
  });
});
