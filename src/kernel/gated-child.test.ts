import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it, vi } from "vitest";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { spawnGated, type GatedChildOptions } from "./gated-child.ts";
import { isRunning, lookAtProcess } from "./process-identity.ts";

const NOWHERE = openSync("/dev/null", "w");
const QUIET: GatedChildOptions = { env: process.env, stdio: ["ignore", "pipe", "inherit"], group: false };

async function output(
  argv: readonly string[],
  options: Partial<GatedChildOptions> = {},
): Promise<{ text: string; exitCode: number | null }> {
  const child = await spawnGated(argv, { ...QUIET, ...options });
  let text = "";
  child.process.stdout?.setEncoding("utf8").on("data", (piece: string) => (text += piece));
  const closed = once(child.process, "close");
  child.open();
  await closed;
  return { text, exitCode: (await child.ended).exitCode };
}

describe("spawnGated()", () => {
  it("runs nothing before open(), and its process can be told by then", async () => {
    using folder = temporaryFolder();
    const mark = folder.join("ran");
    const child = await spawnGated(["sh", "-c", 'echo ran > "$1"; echo $$', "sh", mark], QUIET);
    expect(isRunning(child.identity)).toBe(true);
    expect(child.identity.pid).toBe(child.process.pid);
    expect(existsSync(mark)).toBe(false);
    let text = "";
    child.process.stdout?.setEncoding("utf8").on("data", (piece: string) => (text += piece));
    const closed = once(child.process, "close");
    child.open();
    expect(await child.ended).toEqual({ exitCode: 0, signal: null });
    await closed;
    expect(readFileSync(mark, "utf8")).toBe("ran\n");
    // The program has the very number that was written down.
    expect(Number(text)).toBe(child.identity.pid);
    expect(isRunning(child.identity)).toBe(false);
  });

  it("ends with 125 and has run nothing when its gate closes without a word, as when its parent is killed", async () => {
    using folder = temporaryFolder();
    const mark = folder.join("ran");
    const child = await spawnGated(["touch", mark], QUIET);
    (child.process.stdio[3] as unknown as NodeJS.WritableStream).end();
    expect(await child.ended).toEqual({ exitCode: 125, signal: null });
    expect(existsSync(mark)).toBe(false);

    const program = `
      import { spawnGated } from ${JSON.stringify(new URL("./gated-child.ts", import.meta.url).href)};
      const child = await spawnGated(["touch", process.argv[1]], { env: process.env, stdio: ["ignore", "inherit", "inherit"], group: true });
      console.log(child.identity.pid);
      await new Promise((resolve) => setTimeout(resolve, 600_000));`;
    const parent = spawn(process.execPath, ["--input-type=module", "-e", program, mark], { stdio: ["ignore", "pipe", "inherit"] });
    const [first] = (await once(parent.stdout, "data")) as [Buffer];
    const closed = once(parent, "close");
    parent.kill("SIGKILL");
    // Closes only when the child ends as well, which has the same output: a process gives back its descriptors a moment before it has ended.
    await closed;
    await vi.waitUntil(() => lookAtProcess(Number(first))?.ended ?? true, { timeout: 30_000 });
    expect(existsSync(mark)).toBe(false);
  });

  it("passes a descriptor on under its number, also to what a shell starts, and none without being asked", async () => {
    using folder = temporaryFolder();
    writeFileSync(folder.join("content"), "through 40");
    const descriptor = openSync(folder.join("content"), "r");
    const read = ["sh", "-c", "sh -c 'cat /proc/self/fd/40'; exit 0"];
    expect((await output(read, { pass: { descriptor, as: 40 } })).text).toBe("through 40");
    expect((await output(read, { stdio: ["ignore", "pipe", NOWHERE] })).text).toBe("");
    closeSync(descriptor);
  });

  it("closes the gate before the program starts, and leaves nothing else open", async () => {
    const { text } = await output(["sh", "-c", "test -e /proc/$$/fd/3 || echo closed"]);
    expect(text).toBe("closed\n");
  });

  it.each([
    ["the program's own", ["sh", "-c", "exit 7"], 7],
    ["127 for a program that is not there", ["/no/such/program"], 127],
    ["126 for one that cannot be run", ["/dev/null"], 126],
  ])("gives %s as exit code", async (_what, argv, exitCode) => {
    expect((await output(argv, { stdio: ["ignore", "pipe", NOWHERE] })).exitCode).toBe(exitCode);
  });

  it("gives arguments as they are, and takes no word for the shell's", async () => {
    const words = ["$HOME", "a b", "*", "'", '"', "-n", "", "; exit 3", "--"];
    expect((await output(["printf", "%s\\n", ...words])).text).toBe(words.map((word) => `${word}\n`).join(""));
  });

  it("gives the signal that it was ended by, before its gate opened as after", async () => {
    const child = await spawnGated(["sleep", "600"], { ...QUIET, group: true });
    process.kill(-child.identity.pid, "SIGKILL");
    expect(await child.ended).toEqual({ exitCode: null, signal: "SIGKILL" });
    child.open();
    const other = await spawnGated(["sleep", "600"], QUIET);
    other.open();
    other.process.kill("SIGTERM");
    expect((await other.ended).signal).toBe("SIGTERM");
  });

  it("leads a process group of its own when it is told, and none otherwise", async () => {
    for (const group of [true, false]) {
      const child = await spawnGated(["true"], { ...QUIET, group });
      const expected = group ? child.identity.pid : lookAtProcess(process.pid)?.group;
      expect(lookAtProcess(child.identity.pid)?.group).toBe(expected);
      child.open();
      await child.ended;
    }
  });

  it("fails with a name where nothing can be started", async () => {
    await expect(spawnGated(["true"], { ...QUIET, cwd: "/no/such/folder" })).rejects.toMatchObject({ code: "FILE_SYSTEM" });
  });
});
