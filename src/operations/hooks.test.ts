import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { fakeInstance, fakeVault } from "../../test/support/fake-vault.ts";
import { temporaryFolder, type TemporaryFolder } from "../../test/support/temporary-folder.ts";
import type { HooksConfig } from "../config/index.ts";
import { BusyError, CaptureError, InterruptedError, lookAtProcess } from "../kernel/index.ts";
import { outcomeOf, runAfter, runBefore, runHook } from "./hooks.ts";
import type { Instance } from "./instance.ts";

function instanceWith(folder: TemporaryFolder, hooks: Partial<HooksConfig>, env: NodeJS.ProcessEnv = {}): Instance {
  const whole = { before: null, after: null, error: null, timeout: 20_000, ...hooks };
  const made = fakeInstance(fakeVault(), { stateDir: folder.join("state"), folder: folder.path, hooks: whole });
  return { ...made, env: { PATH: process.env["PATH"], ...env } };
}

/** A program that writes its environment down, one variable after the other with a NUL between. */
const recorder = (file: string): string[] => ["sh", "-c", 'env -0 > "$0"', file];

function variablesIn(file: string): Record<string, string> {
  const pairs = readFileSync(file, "utf8")
    .split("\0")
    .filter((pair) => pair.includes("="));
  return Object.fromEntries(pairs.map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]));
}

describe("runHook()", () => {
  it("gives every fact as a variable, empty where there is none, over whatever was there before", async () => {
    using folder = temporaryFolder();
    const instance = instanceWith(folder, { before: recorder(folder.join("env")) }, { BACKUP_ID: "from-outside", BACKUP_ERROR: "old" });
    expect(await runHook(instance, "before", { trigger: "manual" })).toBeNull();
    const { BACKUP_INSTANCE, BACKUP_TRIGGER, BACKUP_ID, BACKUP_OUTCOME, BACKUP_ERROR_CODE, BACKUP_ERROR } = variablesIn(folder.join("env"));
    expect({ BACKUP_INSTANCE, BACKUP_TRIGGER, BACKUP_ID, BACKUP_OUTCOME, BACKUP_ERROR_CODE, BACKUP_ERROR }).toEqual({
      BACKUP_INSTANCE: "acme",
      BACKUP_TRIGGER: "manual",
      BACKUP_ID: "",
      BACKUP_OUTCOME: "",
      BACKUP_ERROR_CODE: "",
      BACKUP_ERROR: "",
    });
  });

  it("gives a message with quotes, line ends and commands in it as it is, and its secrets not at all", async () => {
    using folder = temporaryFolder();
    const ran = folder.join("ran");
    const odd = `'; touch ${ran} #"\`touch ${ran}\`\n$(touch ${ran}) {error} %s \\`;
    const failure = new CaptureError("COMPONENT_MISSING", `${odd} password=hunter2\0 ${"x".repeat(200_000)}`);
    const instance = instanceWith(folder, { error: recorder(folder.join("env")) });
    expect(await runHook(instance, "error", { trigger: "scheduled", outcome: "failed", failure })).toBeNull();
    const { BACKUP_ERROR, BACKUP_ERROR_CODE, BACKUP_OUTCOME } = variablesIn(folder.join("env"));
    expect(BACKUP_ERROR?.startsWith(`${odd} password=***`)).toBe(true);
    expect(BACKUP_ERROR).toHaveLength(4096);
    expect([BACKUP_ERROR_CODE, BACKUP_OUTCOME]).toEqual(["COMPONENT_MISSING", "failed"]);
    expect(existsSync(ran)).toBe(false);
  });

  it("hands arguments over as they are written: nothing is expanded", async () => {
    using folder = temporaryFolder();
    const script = folder.join("hook");
    writeFileSync(script, `#!/bin/sh\nprintf '%s|' "$@" > '${folder.join("args")}'\n`);
    chmodSync(script, 0o755);
    const args = ["a b", "$HOME", "*", "; touch ran", "{error}", "`id`"];
    expect(await runHook(instanceWith(folder, { after: [script, ...args] }), "after", { trigger: "manual" })).toBeNull();
    expect(readFileSync(folder.join("args"), "utf8")).toBe(args.map((arg) => `${arg}|`).join(""));
  });

  it("says how one failed, with the last line that it printed and without its secrets", async () => {
    using folder = temporaryFolder();
    const instance = instanceWith(folder, {
      before: ["sh", "-c", "echo first >&2; echo token=abcdef >&2; exit 7"],
      after: ["sh", "-c", "kill -9 $$"],
      error: ["/nowhere/at/all"],
    });
    expect(await runHook(instance, "before", { trigger: "manual" })).toBe("`hooks.before` ended with exit code 7: token=***");
    expect(await runHook(instance, "after", { trigger: "manual" })).toBe("`hooks.after` was ended by SIGKILL");
    expect(await runHook(instance, "error", { trigger: "manual" })).toContain("`hooks.error` cannot be run");
  });

  it("ends one that hangs, with what it started", async () => {
    using folder = temporaryFolder();
    const instance = instanceWith(folder, { before: ["sh", "-c", 'sleep 600 & echo $! > "$0"; wait', folder.join("pid")], timeout: 300 });
    expect(await runHook(instance, "before", { trigger: "manual" })).toBe("`hooks.before` ran longer than 300 ms");
    const child = Number(readFileSync(folder.join("pid"), "utf8"));
    // A kill is on its way when it was sent; the test's own limit ends the wait for one that never was.
    while (lookAtProcess(child)?.ended === false) await new Promise((resolve) => setTimeout(resolve, 20));
  });
});

describe("runBefore()", () => {
  it("fails the backup when its program does", async () => {
    using folder = temporaryFolder();
    await expect(runBefore(instanceWith(folder, { before: ["false"] }), "manual")).rejects.toMatchObject({
      code: "COMMAND_FAILED",
      message: "Nothing was captured: `hooks.before` ended with exit code 1",
    });
    await expect(runBefore(instanceWith(folder, {}), "manual")).resolves.toBeUndefined();
  });
});

describe("runAfter()", () => {
  it.each([
    ["failed", ["error", "after"]],
    ["complete", ["after"]],
    ["partial", ["after"]],
    ["interrupted", ["after"]],
    ["deferred", ["after"]],
  ] as const)("of a backup that is %s runs %j, and tells what went wrong with each", async (outcome, names) => {
    using folder = temporaryFolder();
    const instance = instanceWith(folder, { error: ["false"], after: ["false"] });
    expect(await runAfter(instance, { trigger: "manual", outcome })).toEqual(
      names.map((name) => `\`hooks.${name}\` ended with exit code 1`),
    );
  });
});

describe("outcomeOf()", () => {
  it("tells a failure from what says nothing of the state", () => {
    expect(outcomeOf(new CaptureError("COMPONENT_MISSING", "x"))).toBe("failed");
    expect(outcomeOf(new InterruptedError("DEADLINE", "x"))).toBe("failed");
    expect(outcomeOf(new InterruptedError("INTERRUPTED", "x"))).toBe("interrupted");
    expect(outcomeOf(new BusyError("VAULT_BUSY", "x"))).toBe("deferred");
  });
});
