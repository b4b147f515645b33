import { chmodSync, chownSync, cpSync, existsSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { asUser } from "../support/as-user.ts";
import { CHECKOUT, LAUNCHER } from "../support/holdfast.ts";
import { runProgram, type ProgramResult } from "../support/run-program.ts";
import { temporaryFolder, type TemporaryFolder } from "../support/temporary-folder.ts";
import { makeWorkspace } from "../support/workspace.ts";
import { writeTree } from "../support/write-tree.ts";

// How fast the command starts is decided by how much it loads (docs/decisions/0009-start-up.md), and that is counted
// here: a time measured on a busy machine proves nothing.

const ENVIRONMENT = { HOLDFAST_CONFIG: undefined, HOLDFAST_CRASHPOINT: undefined, NODE_COMPILE_CACHE: undefined, NO_COLOR: "1" };

let top: TemporaryFolder;

beforeAll(() => {
  top = temporaryFolder();
  // A copy of its own, below which it keeps what it has compiled.
  cpSync(dirname(dirname(LAUNCHER)), top.path, { recursive: true });
  writeTree(top.path, {
    "count.cjs": `
      const fs = require("node:fs");
      const loaded = [];
      require("node:module").registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
      // The files of the bundle are loaded by the command itself.
      const { readFileSync } = fs;
      fs.readFileSync = (path, ...rest) => {
        if (/\\.c?js$/.test(path)) loaded.push("file://" + path);
        return readFileSync(path, ...rest);
      };
      const before = new Set(process.moduleLoadList);
      process.on("exit", () => {
        const builtins = process.moduleLoadList.filter((name) => !before.has(name));
        fs.writeFileSync(process.env.COUNT, JSON.stringify({ loaded, builtins }));
      });`,
  });
  chmodSync(top.path, 0o755);
}, 120_000);

afterAll(() => top[Symbol.dispose]());

interface Loaded {
  readonly result: ProgramResult;
  /** Files below the package, without the launcher. */
  readonly files: readonly string[];
  readonly builtins: readonly string[];
}

async function loadedBy(args: readonly string[], cwd: string): Promise<Loaded> {
  const count = top.join("count.json");
  const argv = [process.execPath, "--require", top.join("count.cjs"), top.join("bin/holdfast.js"), ...args];
  const result = await runProgram(argv, { cwd, env: { ...ENVIRONMENT, COUNT: count } });
  const { loaded, builtins } = JSON.parse(readFileSync(count, "utf8")) as { loaded: string[]; builtins: string[] };
  const launcher = `file://${top.join("bin/holdfast.js")}`;
  expect(loaded).toContain(launcher);
  const files = new Set(
    loaded.filter((url) => url.startsWith("file:") && url !== launcher).map((url) => url.replace(`file://${top.path}/`, "")),
  );
  return { result, files: [...files], builtins: builtins.map((name) => name.replace(/^NativeModule /, "")) };
}

describe("the built command", () => {
  it("loads at most four files for --version, all of them from one folder", async () => {
    const { result, files, builtins } = await loadedBy(["--version"], top.path);
    expect(result).toMatchObject({ exitCode: 0, stderr: "" });
    expect(files.filter((file) => !file.startsWith("dist/command/"))).toEqual([]);
    expect(files.length).toBeGreaterThan(0);
    expect(files.length).toBeLessThanOrEqual(4);
    for (const heavy of ["child_process", "crypto", "sqlite", "worker_threads", "zlib"]) expect(builtins).not.toContain(heavy);
  });

  it("loads at most eight files for `backup list`, and nothing of what takes, checks or restores a backup", async () => {
    using place = temporaryFolder();
    const { folder } = makeWorkspace(place.path);
    const run = (args: readonly string[]): Promise<ProgramResult> =>
      runProgram([process.execPath, top.join("bin/holdfast.js"), ...args], { cwd: folder, env: ENVIRONMENT });
    // Its workers and children are found from the bundle as well, with no node_modules anywhere.
    expect(await run(["backup"])).toMatchObject({ exitCode: 0 });
    const { result, files, builtins } = await loadedBy(["backup", "list"], folder);
    expect(result).toMatchObject({ exitCode: 0, stderr: "" });
    expect(result.stdout).toContain("_manual");
    expect(files.filter((file) => !file.startsWith("dist/command/"))).toEqual([]);
    expect(files).toContain("dist/command/instance.cjs");
    expect(files).not.toContain("dist/command/backup.cjs");
    expect(files.length).toBeLessThanOrEqual(8);
    for (const heavy of ["child_process", "worker_threads"]) expect(builtins).not.toContain(heavy);
    expect(builtins).toContain("crypto");
  });

  it("loads at most eight files for a backup, and sets no flag of V8 where there is little to store", async () => {
    using place = temporaryFolder();
    writeTree(place.path, {
      "memory/first.md": "# First\n",
      "holdfast.yaml": "name: t\ncomponents: { memory: { path: memory } }\nbackup: { path: vault, format: repository, encryption: none }\n",
    });
    for (const before of ["first", "second"]) {
      const { result, files, builtins } = await loadedBy(["backup"], place.path);
      expect(result, before).toMatchObject({ exitCode: 0 });
      expect(files.filter((file) => !file.startsWith("dist/command/"))).toEqual([]);
      expect(files).toContain("dist/command/backup.cjs");
      expect(files.length).toBeLessThanOrEqual(8);
      // Loaded for its flags only, each of which voids the cache of Node's own modules.
      expect(builtins).not.toContain("v8");
    }
  });

  it("ships the licence of every package that it holds code of", () => {
    const text = readFileSync(top.join("dist/command/THIRD-PARTY-LICENSES.txt"), "utf8");
    const { dependencies } = JSON.parse(readFileSync(join(CHECKOUT, "package.json"), "utf8")) as { dependencies: Record<string, string> };
    expect(Object.keys(dependencies).length).toBeGreaterThan(0);
    for (const [name, version] of Object.entries(dependencies)) expect(text).toContain(`${name} ${version}\n`);
  });

  it("names the place of a failure, function by function", async () => {
    writeTree(top.path, { "break.cjs": 'JSON.stringify = () => { throw new TypeError("broken on purpose"); };' });
    const argv = [process.execPath, "--require", top.join("break.cjs"), top.join("bin/holdfast.js"), "status", "--json"];
    const { stderr } = await runProgram(argv, { cwd: top.path, env: ENVIRONMENT });
    expect(stderr).toMatch(/at printError \(.*\/dist\/command\/start\.cjs:\d+:\d+\)/);
  });
});

describe("bin/holdfast.js", () => {
  const compiled = (): string => top.join("dist/command/.compiled");
  const version = (): string[] => [process.execPath, top.join("bin/holdfast.js"), "--version"];

  const kept = (): string[] => readdirSync(compiled(), { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".bin"));

  it("keeps what was compiled beside the build when the package is its own, and with it what was called", async () => {
    rmSync(compiled(), { recursive: true, force: true });
    expect(await runProgram(version(), { env: ENVIRONMENT })).toMatchObject({ exitCode: 0, stderr: "" });
    const start = kept().find((name) => basename(name) === "start.cjs.bin") ?? "";
    const { size, ino } = statSync(join(compiled(), start));
    expect(await runProgram(version(), { env: ENVIRONMENT })).toMatchObject({ exitCode: 0, stderr: "" });
    expect(statSync(join(compiled(), start)).ino).toBe(ino);
    // A command that loads more calls more of what the first one had loaded as well.
    using place = temporaryFolder();
    const { folder } = makeWorkspace(place.path);
    expect(await runProgram([process.execPath, top.join("bin/holdfast.js"), "backup"], { cwd: folder, env: ENVIRONMENT })).toMatchObject({
      exitCode: 0,
    });
    expect(statSync(join(compiled(), start)).size).toBeGreaterThan(size);
    expect(kept().map((name) => basename(name))).toContain("backup.cjs.bin");
  });

  it("keeps nothing of a command that failed, and nothing when it is told not to", async () => {
    rmSync(compiled(), { recursive: true, force: true });
    const refused = [process.execPath, top.join("bin/holdfast.js"), "backup", "lst"];
    expect(await runProgram(refused, { env: ENVIRONMENT })).toMatchObject({ exitCode: 2 });
    expect(await runProgram(version(), { env: { ...ENVIRONMENT, NODE_DISABLE_COMPILE_CACHE: "1" } })).toMatchObject({ exitCode: 0 });
    expect(existsSync(compiled())).toBe(false);
  });

  it("compiles anew what has changed, or was kept by another version of Node or by somebody else", async (context) => {
    if (process.getuid?.() !== 0) context.skip("files are given away by root only");
    expect(await runProgram(version(), { env: ENVIRONMENT })).toMatchObject({ exitCode: 0 });
    const start = join(compiled(), kept().find((name) => basename(name) === "start.cjs.bin") ?? "");
    const whole = readFileSync(start);
    const STAMP = 128;
    const again = async (): Promise<{ readonly stdout: string; readonly isNew: boolean }> => {
      const { ino } = statSync(start);
      const { exitCode, stdout, stderr } = await runProgram(version(), { env: ENVIRONMENT });
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
      return { stdout, isNew: statSync(start).ino !== ino };
    };
    const { stdout } = await again();
    const damages: (() => void)[] = [
      () => writeFileSync(start, whole.subarray(0, STAMP - 1)),
      () => writeFileSync(start, Buffer.concat([Buffer.from("1".padEnd(STAMP)), whole.subarray(STAMP)])),
      // One wrong bit, and V8 runs what the disk made of it, or falls over it.
      ...[0.1, 0.3, 0.5, 0.7, 0.9].map((part) => () => {
        const bytes = Buffer.from(whole);
        bytes.writeUInt8(bytes.readUInt8(Math.floor(bytes.length * part)) ^ 4, Math.floor(bytes.length * part));
        writeFileSync(start, bytes);
      }),
      () => chownSync(start, 65_534, 65_534),
      () => chmodSync(start, 0o666),
      () => chmodSync(dirname(start), 0o777),
      () => utimesSync(top.join("dist/command/start.cjs"), 1, 1),
    ];
    for (const damage of damages) {
      damage();
      expect(await again()).toEqual({ stdout, isNew: true });
      chmodSync(dirname(start), 0o755);
      expect(await again()).toEqual({ stdout, isNew: false });
    }
  });

  it("leaves nothing in a package of another account, not even where it could", async () => {
    rmSync(compiled(), { recursive: true, force: true });
    chmodSync(top.join("dist/command"), 0o777);
    try {
      expect(await asUser(65_534, version(), { env: ENVIRONMENT })).toMatchObject({ exitCode: 0, stderr: "" });
      expect(existsSync(compiled())).toBe(false);
    } finally {
      chmodSync(top.join("dist/command"), 0o755);
    }
  });

  it("keeps nothing of another version of Node, and nothing for the options of one run", async () => {
    rmSync(compiled(), { recursive: true, force: true });
    const [program = "", ...args] = version();
    expect(await runProgram([program, "--stack-size=900", ...args], { env: ENVIRONMENT })).toMatchObject({ exitCode: 0, stderr: "" });
    const withOptions = { ...ENVIRONMENT, NODE_OPTIONS: `--diagnostic-dir=${top.path}` };
    expect(await runProgram(version(), { env: withOptions })).toMatchObject({ exitCode: 0, stderr: "" });
    expect(existsSync(compiled())).toBe(false);
    writeTree(compiled(), { "v24.0.0-x64/start.cjs.bin": "old\n" });
    expect(await runProgram(version(), { env: ENVIRONMENT })).toMatchObject({ exitCode: 0, stderr: "" });
    expect(readdirSync(compiled())).toEqual([`${process.version}-${process.arch}`]);
  });

  it.each([
    ["that a backup sets", "--semi-space-growth-factor=1", true],
    ["that somebody else set", "--gc-interval=1000000", false],
  ])("keeps what was compiled when a flag of V8 %s can be set back", async (_, flag, isKept) => {
    rmSync(compiled(), { recursive: true, force: true });
    writeTree(top.path, {
      "flags.cjs": `const { write } = process.stdout; process.stdout.write = function (...args) { require("node:v8").setFlagsFromString("${flag}"); return write.apply(this, args); };`,
      // What an option would set, without an option: code is kept for runs without any.
      "flagged.cjs": `require("./flags.cjs"); require("./bin/holdfast.js");`,
    });
    const argv = [process.execPath, top.join("flagged.cjs"), "--version"];
    expect(await runProgram(argv, { env: ENVIRONMENT })).toMatchObject({ exitCode: 0, stderr: "" });
    expect(existsSync(compiled())).toBe(isKept);
    if (!isKept) return;
    const inodes = (): number[] => kept().map((name) => statSync(join(compiled(), name)).ino);
    const before = inodes();
    expect(await runProgram(version(), { env: ENVIRONMENT })).toMatchObject({ exitCode: 0, stderr: "" });
    expect(inodes()).toEqual(before);
  });

  it("does without where it cannot write", async () => {
    rmSync(compiled(), { recursive: true, force: true });
    writeTree(top.path, { "dist/command/.compiled": "in the way\n" });
    expect(await runProgram(version(), { env: ENVIRONMENT })).toMatchObject({ exitCode: 0, stderr: "" });
    expect(readFileSync(compiled(), "utf8")).toBe("in the way\n");
  });
});
