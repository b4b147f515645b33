import { chmodSync, cpSync, existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
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
      const { registerHooks } = require("node:module");
      const loaded = [];
      registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
      const before = new Set(process.moduleLoadList);
      process.on("exit", () => {
        const builtins = process.moduleLoadList.filter((name) => !before.has(name));
        require("node:fs").writeFileSync(process.env.COUNT, JSON.stringify({ loaded, builtins }));
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
  const files = loaded.filter((url) => url.startsWith("file:") && url !== launcher).map((url) => url.replace(`file://${top.path}/`, ""));
  return { result, files, builtins: builtins.map((name) => name.replace(/^NativeModule /, "")) };
}

describe("the built command", () => {
  it("loads at most three files for --version, all of them from one folder", async () => {
    const { result, files, builtins } = await loadedBy(["--version"], top.path);
    expect(result).toMatchObject({ exitCode: 0, stderr: "" });
    expect(files.filter((file) => !file.startsWith("dist/command/"))).toEqual([]);
    expect(files.length).toBeGreaterThan(0);
    expect(files.length).toBeLessThanOrEqual(3);
    for (const heavy of ["child_process", "crypto", "sqlite", "worker_threads", "zlib"]) expect(builtins).not.toContain(heavy);
  });

  it("loads at most seven files for `backup list`, and nothing of what takes, checks or restores a backup", async () => {
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
    expect(files.length).toBeLessThanOrEqual(7);
    for (const heavy of ["child_process", "worker_threads"]) expect(builtins).not.toContain(heavy);
    expect(builtins).toContain("crypto");
  });

  it("loads at most seven files for a backup, and sets no flag of V8 where there is little to store", async () => {
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
      expect(files.length).toBeLessThanOrEqual(7);
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

  it("leaves what Node compiled beside the build when the package is its own", async () => {
    rmSync(compiled(), { recursive: true, force: true });
    expect(await runProgram(version(), { env: ENVIRONMENT })).toMatchObject({ exitCode: 0, stderr: "" });
    expect(readdirSync(compiled(), { recursive: true }).length).toBeGreaterThan(1);
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

  it("does without where it cannot write", async () => {
    rmSync(compiled(), { recursive: true, force: true });
    writeTree(top.path, { "dist/command/.compiled": "in the way\n" });
    expect(await runProgram(version(), { env: ENVIRONMENT })).toMatchObject({ exitCode: 0, stderr: "" });
    expect(readFileSync(compiled(), "utf8")).toBe("in the way\n");
  });
});
