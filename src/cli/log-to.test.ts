import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, type TestContext } from "vitest";
import { mountTmpfs } from "../../test/support/mount-tmpfs.ts";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { makeIo } from "./io.ts";
import { logTo } from "./log-to.ts";

type Log = Awaited<ReturnType<typeof logTo>>;

/** A log that goes to a file, as `holdfast daemon > FILE` has it. */
async function logInto(file: string, options: { readonly json: boolean; readonly quiet?: boolean }): Promise<Log & Disposable> {
  const fd = openSync(file, "w");
  const io = makeIo({ json: options.json, quiet: options.quiet ?? false, progress: false }, {}, new AbortController().signal);
  const log = await logTo(io, { fd } as unknown as NodeJS.WriteStream & { readonly fd: number });
  return Object.assign(((...line) => log(...line)) as Log, { [Symbol.dispose]: () => closeSync(fd) });
}

function linesOf(file: string): Readonly<Record<string, unknown>>[] {
  const text = readFileSync(file, "utf8");
  expect(text.endsWith("\n")).toBe(true);
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe("logTo() with --json", () => {
  it("writes a line at once, with time, level, message, and what it is about", async () => {
    using folder = temporaryFolder();
    using log = await logInto(folder.join("log"), { json: true });
    log("warn", "Deferring %s of\nthings", { task: "kbSync" });
    const [line, ...others] = linesOf(folder.join("log"));
    expect(others).toEqual([]);
    expect(line).toEqual({ time: expect.any(String) as string, level: "warn", task: "kbSync", message: "Deferring %s of\nthings" });
    expect(new Date(String(line?.["time"])).toISOString()).toBe(line?.["time"]);
    log("debug", "second");
    expect(linesOf(folder.join("log"))[1]).toEqual({ time: expect.any(String) as string, level: "debug", message: "second" });
  });

  it("takes secrets out of the text and out of what the line is about", async () => {
    using folder = temporaryFolder();
    using log = await logInto(folder.join("log"), { json: true });
    log("info", "Sent with password=hunter2 to https://user:hunter2@host.example/", { task: "--token hunter2" });
    const text = readFileSync(folder.join("log"), "utf8");
    expect(text).not.toContain("hunter2");
    expect(linesOf(folder.join("log"))[0]).toMatchObject({
      message: "Sent with password=*** to https://***@host.example/",
      task: "--token ***",
    });
  });

  it("says only what is wrong with --quiet", async () => {
    using folder = temporaryFolder();
    using log = await logInto(folder.join("log"), { json: true, quiet: true });
    for (const level of ["debug", "info", "warn", "error"] as const) log(level, level);
    expect(linesOf(folder.join("log")).map(({ message }) => message)).toEqual(["warn", "error"]);
  });
});

describe("logTo() for people", () => {
  it("writes one line for each word, without secrets and without what a terminal would obey", async () => {
    using folder = temporaryFolder();
    using log = await logInto(folder.join("log"), { json: false });
    log("error", "No \u001B[2Jbackup: token=hunter2", { task: "backup" });
    log("info", "second");
    const lines = readFileSync(folder.join("log"), "utf8").split("\n");
    expect(lines).toHaveLength(3);
    expect(lines[0]).toMatch(/^\d{4}-\d\d-\d\dT\S+Z ERROR No .*backup: token=\*\*\*$/);
    expect(lines[0]).not.toContain("\u001B");
    expect(lines[1]).toMatch(/Z INFO {2}second$/);
  });
});

describe.each([
  ["with --json", true],
  ["for people", false],
])("logTo() %s", (_, json) => {
  it("goes on where it was when a disk that was full has room again, every line whole", async (test: TestContext) => {
    using disk = mountTmpfs(65_536, test);
    const file = join(disk.path, "log");
    using log = await logInto(file, { json });
    const said = Array.from({ length: 130 }, (_each, number) => `${number} ${"x".repeat(300)}`);
    writeFileSync(join(disk.path, "other"), Buffer.alloc(49_152));
    for (const text of said.slice(0, 100)) log("info", text);
    expect(readFileSync(file, "utf8").split("\n").length).toBeLessThan(100);
    rmSync(join(disk.path, "other"));
    for (const text of said.slice(100)) log("info", text);
    const written = json
      ? linesOf(file).map(({ message }) => message)
      : readFileSync(file, "utf8")
          .trimEnd()
          .split("\n")
          .map((line) => line.replace(/^\S+ INFO {2}/, ""));
    expect(written).toEqual(said);
  });
});
