import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { runtimeScript } from "../../../test/support/restorable.ts";
import { temporaryFolder } from "../../../test/support/temporary-folder.ts";
import { startRuntime, stopRuntime } from "./runtime.ts";

const REST = { start: ["true"], stop: ["true"], timeout: 10_000, health: null };

describe("startRuntime()", () => {
  it("returns when the command has ended, although what it started holds its output open", async () => {
    using folder = temporaryFolder();
    const start = runtimeScript(
      folder.path,
      "start",
      `setsid sh -c 'echo $$ > "${folder.join("pid")}"; exec sleep 600' & while [ ! -s "${folder.join("pid")}" ]; do :; done`,
    );
    await startRuntime({ ...REST, start: [start] }, { cwd: folder.path, env: process.env });
    const pid = Number(readFileSync(folder.join("pid"), "utf8"));
    expect(() => process.kill(pid, 0)).not.toThrow();
    process.kill(pid, "SIGKILL");
  });

  it.each([
    ["exit 9", "ended with exit code 9"],
    ["echo no such service >&2; exit 1", "no such service"],
    ["kill -KILL $$", "was ended by SIGKILL"],
  ])("fails with what `%s` says", async (body, said) => {
    using folder = temporaryFolder();
    const start = runtimeScript(folder.path, "start", body);
    await expect(startRuntime({ ...REST, start: [start] }, { cwd: folder.path, env: process.env })).rejects.toMatchObject({
      code: "RUNTIME_START_FAILED",
      message: expect.stringContaining(said),
    });
  });
});

describe("stopRuntime()", () => {
  it("runs in the given folder without a shell: arguments are arguments", async () => {
    using folder = temporaryFolder();
    await stopRuntime({ ...REST, stop: ["touch", "$(touch injected); a b"] }, { cwd: folder.path, env: process.env });
    expect(existsSync(folder.join("$(touch injected); a b"))).toBe(true);
    expect(existsSync(folder.join("injected"))).toBe(false);
  });

  it("ends a command that hangs, with its whole group, and says so", async () => {
    using folder = temporaryFolder();
    const stop = runtimeScript(folder.path, "stop", `echo $$ > "${folder.join("pid")}"; sleep 600 & wait`);
    await expect(stopRuntime({ ...REST, stop: [stop], timeout: 300 }, { cwd: folder.path, env: process.env })).rejects.toMatchObject({
      code: "RUNTIME_STOP_FAILED",
      message: expect.stringContaining("did not end within 0.3 s"),
    });
    expect(() => process.kill(Number(readFileSync(folder.join("pid"), "utf8")), 0)).toThrow("ESRCH");
  });

  it("names a program that is not there, and is interrupted by its signal", async () => {
    const context = { cwd: "/", env: process.env };
    await expect(stopRuntime({ ...REST, stop: ["/gone/stop"] }, context)).rejects.toMatchObject({ code: "RUNTIME_STOP_FAILED" });
    const signal = AbortSignal.timeout(100);
    await expect(stopRuntime({ ...REST, stop: ["sleep", "600"] }, { ...context, signal })).rejects.toMatchObject({ code: "INTERRUPTED" });
  });
});
