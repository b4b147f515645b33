import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { temporaryFolder, type TemporaryFolder } from "../../test/support/temporary-folder.ts";
import type { ProgramPlace } from "../kernel/index.ts";
import type { PausePlan } from "./component-plan.ts";
import { startPause } from "./pause.ts";

/** A script that writes its name and the time to the log, then does what `body` says. */
function script(folder: TemporaryFolder, name: string, body = ""): void {
  writeFileSync(folder.join(name), `#!/bin/sh\necho "${name} $(date +%s%N) $$" >> log\n${body}\n`);
  chmodSync(folder.join(name), 0o755);
}

function plan(folder: TemporaryFolder, bodies: { pause?: string; resume?: string } = {}, timeout = 30_000): PausePlan {
  script(folder, "pause", bodies.pause);
  script(folder, "resume", bodies.resume);
  return { command: ["./pause"], resume: ["./resume"], timeout };
}

function place(folder: TemporaryFolder): ProgramPlace {
  return { cwd: folder.path, env: process.env };
}

interface Line {
  readonly name: string;
  readonly time: bigint;
  readonly pid: number;
}

function log(folder: TemporaryFolder): Line[] {
  if (!existsSync(folder.join("log"))) return [];
  const lines = readFileSync(folder.join("log"), "utf8").trim().split("\n");
  return lines.map((line) => line.split(" ")).map(([name = "", time = "0", pid]) => ({ name, time: BigInt(time), pid: Number(pid) }));
}
const names = (folder: TemporaryFolder): string[] => log(folder).map(({ name }) => name);
const runs = (pid: number): boolean => existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number);

/** The guardian that this process has started. */
function guardian(): number {
  const found = childrenOf(process.pid).find((pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("guardian"));
  if (found === undefined) throw new Error("no guardian runs");
  return found;
}

describe("startPause()", () => {
  it("has run the pause command when it resolves, and the resume command when release() does", async () => {
    using folder = temporaryFolder();
    const pause = await startPause("memory", plan(folder), place(folder));
    expect(names(folder)).toEqual(["pause"]);
    const held = BigInt(Date.now()) * 1_000_000n;
    await pause.release();
    expect(names(folder)).toEqual(["pause", "resume"]);
    const [paused, resumed] = log(folder);
    expect(paused?.time).toBeLessThan(held + 1_000_000n);
    expect(resumed?.time).toBeGreaterThanOrEqual(held);
  });

  it("hands the commands over without a shell, in the configuration's folder", async () => {
    using folder = temporaryFolder();
    writeFileSync(folder.join("say"), '#!/bin/sh\npwd > place\nprintf "%s|" "$@" >> words\n');
    chmodSync(folder.join("say"), 0o755);
    const pause = await startPause(
      "memory",
      { command: ["./say", "a b", "$(id)"], resume: ["./say", "c"], timeout: 30_000 },
      place(folder),
    );
    await pause.release();
    expect(readFileSync(folder.join("words"), "utf8")).toBe("a b|$(id)|c|");
    expect(readFileSync(folder.join("place"), "utf8").trim()).toBe(folder.path);
  });

  it("a pause command that fails is told with what it said, and resumed all the same", async () => {
    using folder = temporaryFolder();
    const failing = startPause("memory", plan(folder, { pause: "echo 'not now, token=abc123' >&2; exit 7" }), place(folder));
    await expect(failing).rejects.toMatchObject({
      code: "PAUSE_FAILED",
      message: 'Cannot pause component "memory": "./pause" ended with exit code 7: not now, token=***',
    });
    expect(names(folder)).toEqual(["pause", "resume"]);
  });

  it("a pause command that is not there is told, and resumed all the same", async () => {
    using folder = temporaryFolder();
    const failing = startPause("memory", { ...plan(folder), command: ["./gone"] }, place(folder));
    await expect(failing).rejects.toMatchObject({ code: "PAUSE_FAILED", message: expect.stringContaining("ENOENT") });
    expect(names(folder)).toEqual(["resume"]);
  });

  it("a pause command that hangs is stopped at the timeout, and resumed all the same", async () => {
    using folder = temporaryFolder();
    const hanging = startPause("memory", plan(folder, { pause: "sleep 600" }, 500), place(folder));
    await expect(hanging).rejects.toMatchObject({ code: "PAUSE_FAILED", message: expect.stringContaining("did not end within 500 ms") });
    expect(names(folder)).toEqual(["pause", "resume"]);
    expect(runs(log(folder)[0]?.pid ?? 0)).toBe(false);
  });

  it("names the command to run by hand when neither pausing nor resuming works", async () => {
    using folder = temporaryFolder();
    const failing = startPause("memory", plan(folder, { pause: "exit 1", resume: "exit 9" }), place(folder));
    await expect(failing).rejects.toMatchObject({
      code: "PAUSE_FAILED",
      hint: expect.stringMatching(/by hand with \["\.\/resume"\].*exit code 9/),
    });
    expect(names(folder)).toEqual(["pause", "resume", "resume", "resume"]);
  });

  it("runs nothing when it is aborted already", async () => {
    using folder = temporaryFolder();
    await expect(startPause("memory", plan(folder), place(folder), AbortSignal.abort(new Error("enough")))).rejects.toThrow("enough");
    expect(names(folder)).toEqual([]);
  });

  it("an abort while the pause command runs stops it, resumes, and throws the reason", async () => {
    using folder = temporaryFolder();
    const abort = new AbortController();
    const starting = startPause("memory", plan(folder, { pause: "sleep 600" }), place(folder), abort.signal);
    await expect.poll(() => names(folder), { timeout: 20_000 }).toEqual(["pause"]);
    abort.abort(new Error("enough"));
    await expect(starting).rejects.toThrow("enough");
    expect(names(folder)).toEqual(["pause", "resume"]);
    expect(runs(log(folder)[0]?.pid ?? 0)).toBe(false);
  });
});

describe("Pause.release()", () => {
  it("tries a resume command again that fails", async () => {
    using folder = temporaryFolder();
    const pause = await startPause("memory", plan(folder, { resume: 'test "$(grep -c resume log)" -ge 3' }), place(folder));
    await expect(pause.release()).resolves.toBeUndefined();
    expect(names(folder)).toEqual(["pause", "resume", "resume", "resume"]);
  });

  it("throws PAUSE_FAILED with the command to run by hand when resuming fails three times", async () => {
    using folder = temporaryFolder();
    const pause = await startPause("memory", plan(folder, { resume: "echo broken >&2; exit 9" }), place(folder));
    await expect(pause.release()).rejects.toMatchObject({
      code: "PAUSE_FAILED",
      message: 'Cannot resume component "memory": "./resume" ended with exit code 9: broken',
      hint: 'Resume the runtime by hand with ["./resume"]',
    });
    expect(names(folder)).toEqual(["pause", "resume", "resume", "resume"]);
  });

  it("a resume command that hangs is stopped and tried again, and told at last", async () => {
    using folder = temporaryFolder();
    const pause = await startPause("memory", plan(folder, { resume: "sleep 600" }, 1500), place(folder));
    await expect(pause.release()).rejects.toMatchObject({
      code: "PAUSE_FAILED",
      message: expect.stringContaining("did not end within 1500 ms"),
    });
    expect(names(folder)).toEqual(["pause", "resume", "resume", "resume"]);
    for (const { pid } of log(folder)) expect(runs(pid)).toBe(false);
  });

  it("throws PAUSE_FAILED when the pause had ended at its deadline, and resumes once only", async () => {
    using folder = temporaryFolder();
    const pause = await startPause("memory", plan(folder, {}, 1500), place(folder));
    await expect.poll(() => names(folder), { timeout: 20_000 }).toEqual(["pause", "resume"]);
    const [paused, resumed] = log(folder);
    expect(Number((resumed?.time ?? 0n) - (paused?.time ?? 0n)) / 1e6).toBeLessThan(1500 + 1500);
    await expect(pause.release()).rejects.toMatchObject({
      code: "PAUSE_FAILED",
      message: expect.stringContaining("ended by itself after 1500 ms"),
    });
    expect(names(folder)).toEqual(["pause", "resume"]);
  });

  it("runs the resume command itself when the guardian was killed, and trusts nothing", async () => {
    using folder = temporaryFolder();
    const pause = await startPause("memory", plan(folder), place(folder));
    process.kill(guardian(), "SIGKILL");
    await expect(pause.release()).rejects.toMatchObject({
      code: "PAUSE_FAILED",
      message: 'The guardian of component "memory" ended without a word',
      hint: "The resume command was run; the copy is not trusted",
    });
    expect(names(folder)).toEqual(["pause", "resume"]);
  });

  it("names the command to run by hand when the guardian was killed and nothing resumes", async () => {
    using folder = temporaryFolder();
    const pause = await startPause("memory", { ...plan(folder), resume: ["./gone"] }, place(folder));
    process.kill(guardian(), "SIGKILL");
    await expect(pause.release()).rejects.toMatchObject({ code: "PAUSE_FAILED", hint: expect.stringContaining('["./gone"]') });
  });
});

describe("the guardian", () => {
  /** A process that pauses, says "held", and then does what `then` says. */
  function engine(
    folder: TemporaryFolder,
    pausePlan: PausePlan,
    then: string,
  ): { pid: number; held: Promise<unknown>; ended: Promise<unknown[]> } {
    const code = `import { startPause } from ${JSON.stringify(new URL("./pause.ts", import.meta.url).href)};
      const started = startPause("memory", ${JSON.stringify(pausePlan)}, { cwd: ${JSON.stringify(folder.path)}, env: process.env });
      ${then}`;
    // A group of its own, as a terminal gives one.
    const child = spawn(process.execPath, ["--input-type=module", "-e", code], { stdio: ["ignore", "pipe", "inherit"], detached: true });
    return { pid: child.pid ?? 0, held: once(child.stdout, "data"), ended: once(child, "exit") };
  }
  const HOLD = 'await started; console.log("held"); setInterval(() => {}, 1000);';

  it("resumes when the engine is killed with -9 between pause and resume", async () => {
    using folder = temporaryFolder();
    const { pid, held, ended } = engine(folder, plan(folder), HOLD);
    await held;
    expect(names(folder)).toEqual(["pause"]);
    process.kill(pid, "SIGKILL");
    await ended;
    await expect.poll(() => names(folder), { timeout: 20_000 }).toEqual(["pause", "resume"]);
  });

  it("stops the pause command and resumes when the engine is killed with -9 while that runs", async () => {
    using folder = temporaryFolder();
    const { pid, ended } = engine(folder, plan(folder, { pause: "sleep 600" }), HOLD);
    await expect.poll(() => names(folder), { timeout: 20_000 }).toEqual(["pause"]);
    process.kill(pid, "SIGKILL");
    await ended;
    await expect.poll(() => names(folder), { timeout: 20_000 }).toEqual(["pause", "resume"]);
    expect(runs(log(folder)[0]?.pid ?? 0)).toBe(false);
  });

  it("ends when the engine is killed, and leaves no process behind", async () => {
    using folder = temporaryFolder();
    const { pid, held, ended } = engine(folder, plan(folder), HOLD);
    await held;
    const [guard = 0] = childrenOf(pid);
    expect(runs(guard)).toBe(true);
    process.kill(pid, "SIGKILL");
    await ended;
    await expect.poll(() => runs(guard), { timeout: 20_000 }).toBe(false);
  });

  it.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)("a %s to the engine's whole group does not skip the resume", async (signal) => {
    using folder = temporaryFolder();
    const { pid, held, ended } = engine(folder, plan(folder), HOLD);
    await held;
    process.kill(-pid, signal);
    expect(await ended).toEqual([null, signal]);
    await expect.poll(() => names(folder), { timeout: 20_000 }).toEqual(["pause", "resume"]);
  });

  it("resumes once when Ctrl-C reaches an engine that releases by itself, also while the resume command runs", async () => {
    using folder = temporaryFolder();
    const { pid, held, ended } = engine(
      folder,
      plan(folder, { resume: "kill -INT -$(cat engine); sleep 0.2; echo 'done 0 0' >> log" }),
      'process.on("SIGINT", () => {}); const pause = await started; console.log("held"); process.once("SIGINT", () => pause.release().then(() => process.exit(0)));setInterval(() => {}, 1000);',
    );
    writeFileSync(folder.join("engine"), String(pid));
    await held;
    process.kill(-pid, "SIGINT");
    expect(await ended).toEqual([0, null]);
    expect(names(folder)).toEqual(["pause", "resume", "done"]);
  });

  it("resumes although it is sent TERM, INT and HUP itself", async () => {
    using folder = temporaryFolder();
    const pause = await startPause("memory", plan(folder), place(folder));
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.kill(guardian(), signal);
    await expect(pause.release()).resolves.toBeUndefined();
    expect(names(folder)).toEqual(["pause", "resume"]);
  });
});
