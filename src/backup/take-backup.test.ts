import { appendFileSync, chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { backupHead } from "../../test/support/backup-head.ts";
import { fakeVault } from "../../test/support/fake-vault.ts";
import { temporaryFolder, type TemporaryFolder } from "../../test/support/temporary-folder.ts";
import { writeTree } from "../../test/support/write-tree.ts";
import { unguarded } from "../kernel/index.ts";
import type { BackupHead, Draft, Manifest, ManifestBody, Vault } from "../vault/index.ts";
import type { ComponentPlan } from "./component-plan.ts";
import { takeBackup, type BackupOutcome } from "./take-backup.ts";

const NOW = Date.parse("2026-03-15T12:00:00Z");

function plan(folder: TemporaryFolder, name: string, rest: Partial<ComponentPlan> = {}): ComponentPlan {
  return {
    name,
    path: folder.join("state", name),
    command: null,
    kind: undefined,
    importance: undefined,
    exclude: [],
    include: [],
    excludeLarger: undefined,
    excludeCaches: true,
    oneFileSystem: false,
    optional: false,
    group: undefined,
    pause: undefined,
    ...rest,
  };
}

/** Scripts that write their names to the log, and a pause made of them. */
function pauseOf(folder: TemporaryFolder, name: string, bodies: { pause?: string; resume?: string } = {}): ComponentPlan["pause"] {
  for (const step of ["pause", "resume"] as const) {
    writeFileSync(folder.join(`${step}-${name}`), `#!/bin/sh\necho ${step}-${name} >> "${folder.join("log")}"\n${bodies[step] ?? ""}\n`);
    chmodSync(folder.join(`${step}-${name}`), 0o755);
  }
  return { command: [`./pause-${name}`], resume: [`./resume-${name}`], timeout: 20_000 };
}

const log = (folder: TemporaryFolder): string[] =>
  existsSync(folder.join("log")) ? readFileSync(folder.join("log"), "utf8").trim().split("\n") : [];

interface Taken {
  readonly outcome: Promise<BackupOutcome>;
  readonly committed: readonly ManifestBody[];
  readonly ended: () => number;
}

/** Takes a backup into a draft that reads everything and keeps nothing. */
function take(
  folder: TemporaryFolder,
  components: readonly ComponentPlan[],
  options: { signal?: AbortSignal; known?: readonly BackupHead[] } = {},
): Taken {
  const committed: ManifestBody[] = [];
  let ended = 0;
  mkdirSync(folder.join("staging"), { recursive: true, mode: 0o700 });
  const draft: Draft = {
    id: backupHead({ minute: 720 }).id,
    staging: folder.join("staging"),
    store: async ({ component, reading, onBytes }) => {
      let entries = 0;
      let bytes = 0;
      for await (const { head } of reading.entries()) {
        entries += 1;
        bytes += head.size;
        onBytes?.(head.size);
      }
      await reading.confirm();
      appendFileSync(folder.join("log"), `store-${component}\n`);
      return { entries, bytes, changed: [], omissions: [] };
    },
    commit: async (body) => {
      committed.push(body);
      const head = backupHead({ minute: 720 });
      const manifest: Manifest = { ...head.manifest, ...body };
      return { ...head, manifest };
    },
    abort: async () => {},
    [Symbol.asyncDispose]: async () => void (ended += 1),
  };
  const vault: Vault = { ...fakeVault({ backups: options.known ?? [] }), begin: async () => draft };
  const outcome = takeBackup({
    vault,
    vaultPath: folder.path,
    instance: "acme",
    programs: { cwd: folder.path, env: process.env },
    pauses: { cwd: folder.path, env: process.env },
    components,
    trigger: "manual",
    tags: [],
    clock: { now: () => NOW },
    avoid: [],
    schemaVersion: { component: "persistence", query: null },
    wait: 0,
    guard: unguarded,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  return { outcome, committed, ended: () => ended };
}

describe("takeBackup()", () => {
  it("commits what it captured, in the configuration's order, and ends the draft", async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, { "state/memory/a.md": "# A", "state/state.json": "{}" });
    const { outcome, committed, ended } = take(folder, [
      plan(folder, "memory"),
      plan(folder, "state.json", { name: "state", kind: "json" }),
    ]);
    expect(await outcome).toMatchObject({ status: "complete", alarms: [], notes: [] });
    expect(committed).toMatchObject([
      {
        instance: "acme",
        trigger: "manual",
        timestamp: "2026-03-15T12:00:00Z",
        components: ["memory", "state"],
        not_captured: {},
        component_details: { memory: { whole: true, importance: "high", bytes: 3 }, state: { importance: "critical" } },
      },
    ]);
    expect(ended()).toBe(1);
  });

  it.each([
    ["critical", "rejects"],
    ["high", "partial"],
    ["medium", "complete"],
  ] as const)("a document of importance %s that does not parse: %s", async (importance, expected) => {
    using folder = temporaryFolder();
    writeTree(folder.path, { "state/memory/a.md": "# A", "state/state.json": "{" });
    const { outcome, committed, ended } = take(folder, [
      plan(folder, "memory"),
      plan(folder, "state.json", { name: "state", kind: "json", importance }),
    ]);
    if (expected === "rejects") {
      await expect(outcome).rejects.toMatchObject({ code: "DOCUMENT_INVALID" });
      expect(committed).toEqual([]);
    } else {
      expect((await outcome).status).toBe(expected);
      expect(committed[0]?.not_captured).toMatchObject({ state: { importance, code: "DOCUMENT_INVALID" } });
    }
    expect(ended()).toBe(1);
  });

  it("makes no backup of nothing, although the configuration itself was captured", async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, { "state/holdfast": "name: acme" });
    const { outcome, committed } = take(folder, [plan(folder, "gone", { importance: "high" }), plan(folder, "holdfast", { kind: "file" })]);
    await expect(outcome).rejects.toMatchObject({ code: "BACKUP_EMPTY", hint: expect.stringContaining('"gone" is not there') });
    expect(committed).toEqual([]);
  });

  it("raises an alarm for a component that was emptied, and records it as not captured", async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, { "state/memory/a.md": "# A" });
    mkdirSync(folder.join("state", "notes"));
    const known = [backupHead({ components: { notes: { bytes: 500 }, memory: {} } })];
    const { outcome, committed } = take(folder, [plan(folder, "memory"), plan(folder, "notes", { importance: "medium" })], { known });
    expect((await outcome).alarms).toEqual([expect.stringMatching(/^notes: .*is empty, and held 500 bytes/)]);
    expect(committed[0]?.not_captured).toMatchObject({ notes: { code: "COMPONENT_EMPTY" } });
  });
});

describe("takeBackup() of paused components", () => {
  it("pauses a group in order, resumes it in reverse, and stores nothing before", async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, { "state/index/a": "x", "state/notes/b": "y", "state/other/c": "z" });
    const components = [
      plan(folder, "index", { group: "search", pause: pauseOf(folder, "index") }),
      plan(folder, "other"),
      plan(folder, "notes", { group: "search", pause: pauseOf(folder, "notes") }),
    ];
    const { outcome } = take(folder, components);
    expect((await outcome).status).toBe("complete");
    expect(log(folder)).toEqual([
      "pause-index",
      "pause-notes",
      "resume-notes",
      "resume-index",
      "store-index",
      "store-notes",
      "store-other",
    ]);
  });

  it("resumes what was paused when a later pause of the group fails", async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, { "state/index/a": "x", "state/notes/b": "y", "state/other/c": "z" });
    const components = [
      plan(folder, "index", { group: "search", pause: pauseOf(folder, "index") }),
      plan(folder, "notes", { group: "search", pause: pauseOf(folder, "notes", { pause: "exit 1" }) }),
      plan(folder, "other"),
    ];
    const { outcome, committed } = take(folder, components);
    expect(await outcome).toMatchObject({ status: "partial", alarms: [expect.stringContaining('Cannot pause component "notes"')] });
    expect(log(folder)).toEqual(["pause-index", "pause-notes", "resume-notes", "resume-index", "store-other"]);
    expect(committed[0]?.not_captured).toMatchObject({ index: { code: "PAUSE_FAILED" }, notes: { code: "PAUSE_FAILED" } });
  });

  it("says of a runtime that stayed paused how to resume it, when the backup goes on without the component", async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, { "state/notes/b": "y", "state/other/c": "z" });
    const { outcome } = take(folder, [
      plan(folder, "notes", { pause: pauseOf(folder, "notes", { resume: "exit 9" }) }),
      plan(folder, "other"),
    ]);
    expect(await outcome).toMatchObject({
      status: "partial",
      alarms: [expect.stringMatching(/^Cannot resume component "notes".*by hand with \["\.\/resume-notes"\]/)],
    });
  });

  it("says so as well when something else fails afterwards", async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, { "state/notes/b": "y", "state/state.json": "{" });
    const components = [
      plan(folder, "notes", { pause: pauseOf(folder, "notes", { resume: "exit 9" }) }),
      plan(folder, "state.json", { kind: "json" }),
    ];
    await expect(take(folder, components).outcome).rejects.toMatchObject({
      code: "DOCUMENT_INVALID",
      hint: expect.stringMatching(/ALARM: Cannot resume component "notes".*by hand/),
    });
  });

  it("says so as well when what was paused could not be read", async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, { "state/state.json": "{", "state/other/c": "z" });
    const components = [
      plan(folder, "state.json", { kind: "json", pause: pauseOf(folder, "state", { resume: "exit 9" }) }),
      plan(folder, "other"),
    ];
    await expect(take(folder, components).outcome).rejects.toMatchObject({
      code: "DOCUMENT_INVALID",
      hint: expect.stringMatching(/ALARM: Cannot resume component "state.json".*by hand/),
    });
    expect(log(folder)).toEqual(["pause-state", "resume-state", "resume-state", "resume-state"]);
  });

  it("stops and resumes at an abort while the runtime is being paused, and commits nothing", async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, { "state/notes/b": "y" });
    const abort = new AbortController();
    const { outcome, committed, ended } = take(
      folder,
      [plan(folder, "notes", { pause: pauseOf(folder, "notes", { pause: "sleep 600" }) })],
      { signal: abort.signal },
    );
    const failed = outcome.catch((error: unknown) => error);
    await expect.poll(() => log(folder), { timeout: 20_000 }).toEqual(["pause-notes"]);
    abort.abort(new Error("enough"));
    expect(String(await failed)).toContain("enough");
    expect(log(folder)).toEqual(["pause-notes", "resume-notes"]);
    expect([committed, ended()]).toEqual([[], 1]);
  });
});
