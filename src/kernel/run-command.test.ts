import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { InterruptedError } from "./errors.ts";
import { runCommand, stopGroup } from "./run-command.ts";

const sh = (script: string, ...args: string[]): string[] => ["sh", "-c", script, "sh", ...args];

/** Whether a process does anything any more: a zombie that nobody has waited for does not. */
function runs(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

/** Starts a grandchild that outlives its parent unless it is stopped, and writes its id to the file in $1. */
const GRANDCHILD = 'sleep 600 & echo $! > "$1"';
const pidIn = (file: string): number => Number(readFileSync(file, "utf8"));

describe("runCommand()", () => {
  it("gives exit code and both outputs, and hands over folder, environment and input", async () => {
    using folder = temporaryFolder();
    const result = await runCommand(sh('pwd; cat; echo "$WORD" >&2; exit 3'), {
      cwd: folder.path,
      env: { ...process.env, WORD: "wörd" },
      input: "in\n",
    });
    expect(result).toEqual({ exitCode: 3, signal: null, timedOut: false, stdout: `${folder.path}\nin\n`, stderr: "wörd\n" });
  });

  it("passes arguments as they are, without a shell", async () => {
    expect((await runCommand(["printf", "%s", "$(id); `id` > x"])).stdout).toBe("$(id); `id` > x");
  });

  it("says which signal ended it", async () => {
    expect(await runCommand(sh("kill -KILL $$"))).toMatchObject({ exitCode: null, signal: "SIGKILL", timedOut: false });
  });

  it("fails with the system's error when the program or its folder is not there", async () => {
    await expect(runCommand(["/no/such/program"])).rejects.toMatchObject({ code: "ENOENT" });
    await expect(runCommand(["true"], { cwd: "/no/such/folder" })).rejects.toMatchObject({ code: "ENOENT" });
    await expect(runCommand(["/etc"])).rejects.toMatchObject({ code: "EACCES" });
    await expect(runCommand([])).rejects.toThrow("needs a program");
  });

  it("takes no harm from a program that does not read its input", async () => {
    expect(await runCommand(["true"], { input: "x".repeat(5_000_000) })).toMatchObject({ exitCode: 0 });
  });

  it("gives everything that was written before the end, also what lay in the pipe at the end", async () => {
    for (let round = 0; round < 20; round += 1) {
      const { stdout, stderr } = await runCommand([
        "node",
        "-e",
        "require('fs').writeSync(1, 'x'.repeat(60000) + 'END'); require('fs').writeSync(2, 'y'.repeat(60000) + 'END')",
      ]);
      expect([stdout.length, stderr.length, stdout.slice(-3), stderr.slice(-3)]).toEqual([60_003, 60_003, "END", "END"]);
    }
  });

  it("keeps the end of a huge output, and no more of it than asked for", async () => {
    const { stdout, exitCode } = await runCommand(sh("head -c 200000000 /dev/zero | tr '\\0' x; echo END"), { keep: 1000 });
    expect(exitCode).toBe(0);
    expect(stdout).toBe(`${"x".repeat(996)}END\n`);
    expect((await runCommand(sh("head -c 200000 /dev/zero"))).stdout).toHaveLength(65_536);
    expect(await runCommand(sh("echo out; echo err >&2"), { keep: 0 })).toMatchObject({ stdout: "", stderr: "" });
  });

  it("ends with the program although a grandchild keeps its pipe open", async () => {
    using folder = temporaryFolder();
    const file = folder.join("pid");
    const { stdout } = await runCommand(sh(`${GRANDCHILD}; echo done`, file));
    expect(stdout).toBe("done\n");
    expect(runs(pidIn(file))).toBe(true);
    process.kill(pidIn(file), "SIGKILL");
  });

  it("ends with the program although a grandchild never stops writing", async () => {
    using folder = temporaryFolder();
    const file = folder.join("pid");
    const { stdout } = await runCommand(sh('yes & echo $! > "$1"; head -c 1000000 /dev/zero', file), { keep: 100 });
    expect(stdout).toHaveLength(100);
    // Nobody holds the other end any more, so its next write ends it.
    await expect.poll(() => runs(pidIn(file))).toBe(false);
    process.kill(pidIn(file), "SIGKILL");
  });

  it("stops the whole group at its deadline", async () => {
    using folder = temporaryFolder();
    const file = folder.join("pid");
    const result = await runCommand(sh(`${GRANDCHILD}; echo waiting; wait`, file), { timeout: 500 });
    expect(result).toMatchObject({ timedOut: true, signal: "SIGTERM", stdout: "waiting\n" });
    await expect.poll(() => runs(pidIn(file))).toBe(false);
  });

  it("kills five seconds after the deadline what does not listen to TERM", async () => {
    using folder = temporaryFolder();
    const file = folder.join("pid");
    const result = await runCommand(sh(`trap '' TERM; ${GRANDCHILD}; while :; do wait; done`, file), { timeout: 300 });
    expect(result).toMatchObject({ timedOut: true, signal: "SIGKILL" });
    await expect.poll(() => runs(pidIn(file))).toBe(false);
  });

  it("kills a grandchild that does not listen to TERM as soon as its parent has ended", async () => {
    using folder = temporaryFolder();
    const file = folder.join("pid");
    const result = await runCommand(sh('sh -c \'trap "" TERM; echo $$ > "$1"; while :; do sleep 600; done\' sh "$1" & wait', file), {
      timeout: 500,
    });
    expect(result.timedOut).toBe(true);
    await expect.poll(() => runs(pidIn(file))).toBe(false);
  });

  it("an abort stops the whole group and throws with its reason as the cause", async () => {
    using folder = temporaryFolder();
    const file = folder.join("pid");
    const abort = new AbortController();
    const reason = new Error("enough");
    const running = runCommand(sh(`${GRANDCHILD}; wait`, file), { signal: abort.signal });
    await expect.poll(() => runs(pidIn(file))).toBe(true);
    abort.abort(reason);
    await expect(running).rejects.toSatisfy(
      (error) => error instanceof InterruptedError && error.code === "INTERRUPTED" && error.cause === reason,
    );
    await expect.poll(() => runs(pidIn(file))).toBe(false);
  });

  it("starts nothing when it is aborted already", async () => {
    using folder = temporaryFolder();
    await expect(runCommand(["touch", folder.join("made")], { signal: AbortSignal.abort(new Error("enough")) })).rejects.toThrow("enough");
    expect(() => readFileSync(folder.join("made"))).toThrow("ENOENT");
  });
});

describe("stopGroup()", () => {
  it("is content with a group that has ended, and with none", () => {
    expect(() => stopGroup(undefined, "SIGTERM")).not.toThrow();
    expect(() => stopGroup(2 ** 22 + 1, "SIGTERM")).not.toThrow();
  });
});
