import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { holdfast, LAUNCHER } from "../../test/support/holdfast.ts";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { writeTree } from "../../test/support/write-tree.ts";

/** `script` of util-linux gives a program a terminal. */
const terminal = spawnSync("script", ["--version"]).status === 0;

/** Asks on a terminal whether to delete the older of two backups, types the answer, and gives what became of it. */
async function answer(keys: string): Promise<{ exitCode: number | null; text: string; left: number }> {
  using folder = temporaryFolder();
  writeTree(folder.path, {
    "holdfast.yaml": "name: acme\ncomponents:\n  memory: { path: memory }\nbackup: { path: backups }\n",
    "memory/a.md": "# A",
  });
  for (const _ of ["older", "newer"]) expect((await holdfast(["backup"], { cwd: folder.path })).exitCode).toBe(0);
  const command = `${JSON.stringify(process.execPath)} ${JSON.stringify(LAUNCHER)} backup delete latest`;
  const child = spawn("script", ["--quiet", "--return", "--command", command, "/dev/null"], {
    cwd: folder.path,
    env: { ...process.env, TERM: "xterm", NO_COLOR: "1" },
    stdio: ["pipe", "pipe", "inherit"],
  });
  let text = "";
  let typed = false;
  child.stdout.setEncoding("utf8").on("data", (part: string) => {
    text += part;
    if (typed || !text.includes("[y/N]")) return;
    typed = true;
    child.stdin.write(keys);
  });
  const [exitCode] = (await once(child, "close")) as [number | null];
  const left = readdirSync(folder.join("backups")).filter((name) => name.endsWith(".tar.gz")).length;
  return { exitCode, text, left };
}

describe.skipIf(!terminal)("confirm() on a terminal", () => {
  it.each([
    ["y", "y\r"],
    ["YES", " YES \r"],
  ])("goes on with %s", async (_what, keys) => {
    expect(await answer(keys)).toMatchObject({ exitCode: 0, left: 1, text: expect.stringContaining("Deleted") });
  });

  it.each([
    ["nothing", "\r"],
    ["n", "n\r"],
    ["yess", "yess\r"],
    ["Ctrl-C", "\u0003"],
    ["Ctrl-D", "\u0004"],
  ])("changes nothing with %s, and exits 130 without a stack trace", async (_what, keys) => {
    const { exitCode, left, text } = await answer(keys);
    expect([exitCode, left]).toEqual([130, 2]);
    expect(text).toMatch(/Not confirmed; nothing was changed|Stopped by SIGINT/);
    expect(text).not.toContain("    at ");
  });
});
