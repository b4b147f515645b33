import { appendFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { CRASHPOINTS, type Crashpoint } from "../../src/kernel/index.ts";
import { makeRestorable, runtimeLog, runtimeScript, type Restorable } from "../support/restorable.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const IN_PLACE = CRASHPOINTS.filter((point) => point.startsWith("in-place-"));
/** Passed only on the way back from a failed health check. */
const WAY_BACK: readonly Crashpoint[] = ["in-place-going-back", "in-place-moved-out", "in-place-moved-back", "in-place-back"];
/** Passed only with a file that is written over in place. */
const MOUNTED: readonly Crashpoint[] = ["in-place-content-begun"];
/** Passed only with a component that is a command; test/e2e/restore-in-place.test.ts is killed there. */
const OTHERS: readonly Crashpoint[] = ["in-place-other-begun"];
/** From here on everything is in place, and settling goes forward. */
const ALL_NEW: readonly Crashpoint[] = ["in-place-moved-all", "in-place-swapped", "in-place-started", "in-place-kept", "in-place-done"];

/** Out of an archive a restore does the same as out of a plain folder. */
const FORMS = [["directory"], ["repository"]] as const;

interface Pending {
  readonly restore: { readonly phase: string } | null;
}

/** Runtime commands that always work, and a health that does as it is told. */
function runtime(folder: string, health: "healthy" | "sick"): string {
  const stop = runtimeScript(folder, "stop", "exit 0");
  const start = runtimeScript(folder, "start", "exit 0");
  const check = runtimeScript(folder, "health", health === "healthy" ? "exit 0" : "exit 1");
  return `runtime: { stop: [${stop}], start: [${start}], health: { command: [${check}], timeout: 1s } }`;
}

async function killedAt(instance: Restorable, point: Crashpoint, args: readonly string[]): Promise<void> {
  const killed = await instance.run(args, { env: { HOLDFAST_CRASHPOINT: point } });
  expect(`${killed.signal} ${killed.exitCode}`, `${killed.stdout}${killed.stderr}`).toBe("SIGKILL null");
}

/** Nothing of a restore is left beside the targets but the sets that it says it keeps. */
function expectClear(instance: Restorable): void {
  const names = readdirSync(join(instance.folder, "data"), { recursive: true }).map(String);
  expect(names.filter((name) => /RESTORE-IN-PROGRESS|\.holdfast-new-/.test(name))).toEqual([]);
  expect(existsSync(join(instance.folder, ".holdfast", "restore", "journal.json"))).toBe(false);
}

describe.each(FORMS)("kill -9 at every crashpoint of a restore in place, %s", (form) => {
  it.each(
    IN_PLACE.filter((point) => !WAY_BACK.includes(point) && !MOUNTED.includes(point) && !OTHERS.includes(point)).map((point) => [point]),
  )("%s: read-only commands report it, the next backup settles it, all old or all new", async (point) => {
    using folder = temporaryFolder();
    const instance = await makeRestorable(folder.path, { form, extra: runtime(folder.path, "healthy") });
    await killedAt(instance, point, [
      "restore",
      instance.id,
      "--yes",
      "--component",
      "persistence",
      "--component",
      "memory",
      "--component",
      "state",
    ]);
    const before = instance.see();
    const status = await instance.run(["status", "--json"]);
    if (point !== "in-place-done") expect(status.json<Pending>().restore?.phase).toBeTypeOf("string");
    expect(instance.see()).toEqual(before);

    const next = await instance.run(["backup", "--component", "memory", "--json"]);
    expect(next.exitCode, next.stdout + next.stderr).toBe(0);
    if (!ALL_NEW.includes(point) && point !== "in-place-clearing") expect(instance.see()).toEqual(instance.live);
    const seen = instance.see();
    expect([instance.live, instance.restored]).toContainEqual(seen);
    if (ALL_NEW.includes(point)) expect(seen).toEqual(instance.restored);
    expectClear(instance);
  });
});

describe("kill -9 after the files of a restore in place were made, from where on it knows no form", () => {
  const form = "repository";

  it.each(WAY_BACK.map((point) => [point]))("%s, on the way back from a failed health check: all old, once settled", async (point) => {
    using folder = temporaryFolder();
    const instance = await makeRestorable(folder.path, { form, extra: runtime(folder.path, "sick") });
    await killedAt(instance, point, ["restore", instance.id, "--yes"]);
    const settled = await instance.run(["restore", "--settle", "--json"]);
    expect(settled.exitCode, settled.stdout).toBe(0);
    expect(settled.json<{ settled: { outcome: string } }>().settled.outcome).toBe("old");
    expect(instance.see()).toEqual(instance.live);
    expectClear(instance);
  });

  it.each(["in-place-moved-away", "in-place-moved-in", "in-place-moved-all", "in-place-swapped"] as const)(
    "%s of an undo: all old or all new, once settled",
    async (point) => {
      using folder = temporaryFolder();
      const instance = await makeRestorable(folder.path, { form, extra: runtime(folder.path, "healthy") });
      expect((await instance.run(["restore", instance.id, "--yes"])).exitCode).toBe(0);
      await killedAt(instance, point, ["restore", "--undo", "--yes"]);
      expect((await instance.run(["restore", "--settle"])).exitCode).toBe(0);
      expect(instance.see()).toEqual(point === "in-place-moved-all" || point === "in-place-swapped" ? instance.live : instance.restored);
      expectClear(instance);
    },
  );

  it.each(["in-place-moved-away", "in-place-moved-in"] as const)(
    "%s, and the runtime started and wrote: it is said, nothing is thrown away, and either side can be chosen",
    async (point) => {
      for (const side of ["old", "new"] as const) {
        using folder = temporaryFolder();
        const instance = await makeRestorable(folder.path, { form, extra: runtime(folder.path, "healthy") });
        await killedAt(instance, point, ["restore", instance.id, "--yes"]);
        writeFileSync(join(folder.path, "data", "state.db"), "the runtime made a new one");
        appendFileSync(join(folder.path, "data", "state.json"), "and went on");
        const refused = await instance.run(["backup", "--json"]);
        expect(refused.json<{ error: { code: string } }>().error.code).toBe("RESTORE_UNSETTLED");
        expect(refused.exitCode).toBe(1);
        expect((await instance.run(["restore", "--settle"])).exitCode).toBe(1);
        expect(readFileSync(join(folder.path, "data", "state.db"), "utf8")).toBe("the runtime made a new one");
        expect((await instance.run(["restore", "--settle", side])).exitCode).toBe(0);
        // What the runtime wrote over the new set stays in the new set, for whoever chooses that.
        if (side === "new" && point === "in-place-moved-in") continue;
        const seen = instance.see();
        expect(seen.rows).toBe(side === "old" ? instance.live.rows : instance.restored.rows);
        expect(seen.files["memory/changed.md"]).toBe(side === "old" ? "since\n" : "before\n");
        expect(textsBelow(join(folder.path, "data"))).toContain("the runtime made a new one");
        expectClearOfMarkers(instance);
      }
    },
  );
});

function expectClearOfMarkers(instance: Restorable): void {
  const names = readdirSync(join(instance.folder, "data"), { recursive: true }).map(String);
  expect(names.filter((name) => name.includes("RESTORE-IN-PROGRESS"))).toEqual([]);
}

function textsBelow(folder: string): string {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8"))
    .join("\n");
}

describe("a restore in place whose runtime does not do as it should", () => {
  it("health fails: everything is as before, uncheckpointed rows too, and the runtime runs again", async () => {
    using folder = temporaryFolder();
    const instance = await makeRestorable(folder.path, { extra: runtime(folder.path, "sick") });
    const result = await instance.run(["restore", instance.id, "--yes", "--json"]);
    expect(result.json<{ error: { code: string; hint: string } }>().error).toMatchObject({
      code: "HEALTH_FAILED",
      hint: expect.stringContaining("verything is as it was before"),
    });
    expect(result.exitCode).toBe(1);
    // The 100 rows that lay in the write-ahead log alone.
    expect(instance.see()).toEqual(instance.live);
    expect(instance.live.rows).toBe(105);
    expect(runtimeLog(folder.path).filter((line) => line !== "health")).toEqual(["stop", "start", "stop", "start"]);
    expectClear(instance);
  });

  it("health passes only the second time: the restore stands", async () => {
    using folder = temporaryFolder();
    const check = runtimeScript(folder.path, "health", `test "$(grep -c health "${folder.join("runtime.log")}")" -ge 2`);
    const stop = runtimeScript(folder.path, "stop", "exit 0");
    const start = runtimeScript(folder.path, "start", "exit 0");
    const extra = `runtime: { stop: [${stop}], start: [${start}], health: { command: [${check}], timeout: 20s } }`;
    const instance = await makeRestorable(folder.path, { extra });
    const result = await instance.run(["restore", instance.id, "--yes", "--json"]);
    expect(result.exitCode, result.stdout).toBe(0);
    expect(result.json<{ health: { healthy: boolean; attempts: number } }>().health).toEqual({ healthy: true, attempts: 2 });
    expect(instance.see()).toEqual(instance.restored);
  });

  it("health hangs: it is given up at its deadline, and everything is as before", async () => {
    using folder = temporaryFolder();
    const check = runtimeScript(folder.path, "health", "exec sleep 600");
    const stop = runtimeScript(folder.path, "stop", "exit 0");
    const start = runtimeScript(folder.path, "start", "exit 0");
    const extra = `runtime: { stop: [${stop}], start: [${start}], health: { command: [${check}], timeout: 1s } }`;
    const instance = await makeRestorable(folder.path, { extra });
    const result = await instance.run(["restore", instance.id, "--yes", "--json"]);
    expect(result.json<{ error: { code: string } }>().error.code).toBe("HEALTH_FAILED");
    expect(instance.see()).toEqual(instance.live);
  });

  it.each([
    ["stop", "RUNTIME_STOP_FAILED", ["stop", "start"]],
    ["start", "RUNTIME_START_FAILED", ["stop", "start", "stop", "start"]],
  ] as const)("%s fails: everything is as before", async (which, code, log) => {
    using folder = temporaryFolder();
    const script = (name: string): string => runtimeScript(folder.path, name, name === which ? "exit 7" : "exit 0");
    const instance = await makeRestorable(folder.path, { extra: `runtime: { stop: [${script("stop")}], start: [${script("start")}] }` });
    const result = await instance.run(["restore", instance.id, "--yes", "--json"]);
    expect(result.json<{ error: { code: string } }>().error.code).toBe(code);
    expect(instance.see()).toEqual(instance.live);
    expect(runtimeLog(folder.path)).toEqual(log);
    expectClear(instance);
  });
});
