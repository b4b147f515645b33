import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { asUser } from "../../test/support/as-user.ts";
import { mountTmpfs } from "../../test/support/mount-tmpfs.ts";
import { runProgram } from "../../test/support/run-program.ts";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { createFile, makeFolder, removeFile, replaceFile } from "./atomic-file.ts";
import { errnoOf } from "./errors.ts";

const MODULE = new URL("./atomic-file.ts", import.meta.url).href;

/** The errno of what a call throws. */
function errnoOfCall(call: () => unknown): string | undefined {
  try {
    call();
    return undefined;
  } catch (error) {
    return errnoOf(error) ?? String(error);
  }
}

const mode = (path: string): number => statSync(path).mode & 0o7777;

describe("replaceFile()", () => {
  it("replaces the content, gives the mode asked for, and leaves nothing beside it", () => {
    using folder = temporaryFolder();
    writeFileSync(folder.join("a"), "old");
    replaceFile(folder.join("a"), "new");
    expect(readFileSync(folder.join("a"), "utf8")).toBe("new");
    expect(mode(folder.join("a"))).toBe(0o600);
    replaceFile(folder.join("a"), Buffer.from([1, 2]), 0o640);
    expect([...readFileSync(folder.join("a"))]).toEqual([1, 2]);
    expect(mode(folder.join("a"))).toBe(0o640);
    expect(readdirSync(folder.path)).toEqual(["a"]);
  });

  it("keeps the old content when it dies before the new one is published", async () => {
    using folder = temporaryFolder();
    const file = folder.join("a");
    writeFileSync(file, "old");
    const code = `import { replaceFile } from ${JSON.stringify(MODULE)}; replaceFile(${JSON.stringify(file)}, "x".repeat(1e6), 0o600, () => process.kill(process.pid, "SIGKILL"));`;
    const { signal } = await runProgram([process.execPath, "--input-type=module", "-e", code]);
    expect(signal).toBe("SIGKILL");
    expect(readFileSync(file, "utf8")).toBe("old");
  });

  it("keeps the old content and leaves nothing beside it when the disk is full", (context) => {
    using disk = mountTmpfs(256 * 1024, context);
    const file = join(disk.path, "a");
    writeFileSync(file, "old");
    expect(errnoOfCall(() => replaceFile(file, Buffer.alloc(1024 * 1024, 1)))).toBe("ENOSPC");
    expect(readFileSync(file, "utf8")).toBe("old");
    expect(readdirSync(disk.path)).toEqual(["a"]);
  });

  it("tells why a read-only file system refuses, not that there was nothing to clean up", (context) => {
    using disk = mountTmpfs(256 * 1024, context);
    const file = join(disk.path, "a");
    writeFileSync(file, "old");
    execFileSync("mount", ["-o", "remount,ro", disk.path]);
    expect(errnoOfCall(() => replaceFile(file, "new"))).toBe("EROFS");
    expect(errnoOfCall(() => createFile(join(disk.path, "b"), "new"))).toBe("EROFS");
    expect(errnoOfCall(() => removeFile(file))).toBe("EROFS");
    expect(readFileSync(file, "utf8")).toBe("old");
  });

  it("leaves the old content in a folder that this account may not write to", async () => {
    using folder = temporaryFolder();
    writeFileSync(folder.join("a"), "old");
    execFileSync("chmod", ["755", folder.path]);
    execFileSync("chmod", ["666", folder.join("a")]);
    const code = `import { replaceFile } from ${JSON.stringify(MODULE)}; try { replaceFile(${JSON.stringify(folder.join("a"))}, "new") } catch (error) { console.log(error.code) }`;
    const { stdout } = await asUser(65_534, [process.execPath, "--input-type=module", "-e", code]);
    expect(stdout.trim()).toBe("EACCES");
    expect(readFileSync(folder.join("a"), "utf8")).toBe("old");
    expect(readdirSync(folder.path)).toEqual(["a"]);
  });

  it("takes a name as long as the file system allows, in any script", () => {
    using folder = temporaryFolder();
    for (const name of ["n".repeat(255), "é".repeat(127), "日".repeat(85), "🌊".repeat(63)]) {
      replaceFile(folder.join(name), "content");
      expect(readFileSync(folder.join(name), "utf8")).toBe("content");
    }
    expect(readdirSync(folder.path)).toHaveLength(4);
  });

  it("gives what beforePublish throws, and publishes nothing", () => {
    using folder = temporaryFolder();
    writeFileSync(folder.join("a"), "old");
    const refuse = (): never => {
      throw new Error("not now");
    };
    expect(() => replaceFile(folder.join("a"), "new", 0o600, refuse)).toThrow("not now");
    expect(() => createFile(folder.join("b"), "new", 0o600, refuse)).toThrow("not now");
    expect(readdirSync(folder.path)).toEqual(["a"]);
    expect(readFileSync(folder.join("a"), "utf8")).toBe("old");
  });
});

describe("createFile()", () => {
  it("creates a whole file, and says false and changes nothing when the name is taken", () => {
    using folder = temporaryFolder();
    expect(createFile(folder.join("a"), "first")).toBe(true);
    expect(createFile(folder.join("a"), "second")).toBe(false);
    expect(readFileSync(folder.join("a"), "utf8")).toBe("first");
    expect(mode(folder.join("a"))).toBe(0o600);
    expect(readdirSync(folder.path)).toEqual(["a"]);
  });

  it("does not follow a link that has the name, also not one that leads nowhere", () => {
    using folder = temporaryFolder();
    execFileSync("ln", ["-s", "nowhere", folder.join("a")]);
    expect(createFile(folder.join("a"), "x")).toBe(false);
    expect(readdirSync(folder.path)).toEqual(["a"]);
  });

  it("lets exactly one of many processes have the name", async () => {
    using folder = temporaryFolder();
    const file = folder.join("claim");
    const code = `import { createFile } from ${JSON.stringify(MODULE)}; console.log(createFile(${JSON.stringify(file)}, String(process.pid).repeat(1000)));`;
    const claims = await Promise.all(
      Array.from({ length: 6 }, async () => await runProgram([process.execPath, "--input-type=module", "-e", code])),
    );
    expect(claims.filter(({ stdout }) => stdout.trim() === "true")).toHaveLength(1);
    expect(claims.filter(({ stdout }) => stdout.trim() === "false")).toHaveLength(5);
    expect(readdirSync(folder.path)).toEqual(["claim"]);
    expect(readFileSync(file, "utf8")).toMatch(/^(\d+?)\1{999}$/);
  });

  it("leaves nothing when the disk is full", (context) => {
    using disk = mountTmpfs(256 * 1024, context);
    expect(errnoOfCall(() => createFile(join(disk.path, "a"), Buffer.alloc(1024 * 1024, 1)))).toBe("ENOSPC");
    expect(readdirSync(disk.path)).toEqual([]);
  });
});

describe("makeFolder()", () => {
  it("makes folders that another thread is making at the same moment", async () => {
    using folder = temporaryFolder();
    const code = `
      import { Worker, isMainThread, workerData } from "node:worker_threads";
      import { makeFolder } from ${JSON.stringify(MODULE)};
      const turns = isMainThread ? new Int32Array(new SharedArrayBuffer(4)) : workerData;
      if (isMainThread) new Worker(process.argv[1], { workerData: turns, argv: [process.argv[2]] });
      for (let round = 1; round <= 300; round += 1) {
        Atomics.add(turns, 0, 1);
        // The other one may have failed.
        for (const end = Date.now() + 20_000; Atomics.load(turns, 0) < round * 2;) if (Date.now() > end) process.exit(3);
        makeFolder(process.argv[2] + "/" + round + "/packs/new");
      }`;
    writeFileSync(folder.join("both.mjs"), code);
    const { exitCode, stderr } = await runProgram([process.execPath, folder.join("both.mjs"), folder.path]);
    expect([exitCode, stderr]).toEqual([0, ""]);
  });

  it("makes every missing folder private, and is content with one that is there", () => {
    using folder = temporaryFolder();
    makeFolder(folder.join("a", "b", "c"));
    expect([folder.join("a"), folder.join("a", "b"), folder.join("a", "b", "c")].map(mode)).toEqual([0o700, 0o700, 0o700]);
    makeFolder(folder.join("a", "b", "c"));
    mkdirSync(folder.join("open"), { mode: 0o755 });
    makeFolder(folder.join("open"));
    expect(mode(folder.join("open"))).toBe(0o755);
  });

  it.each(["plain/x/y", "plain/x/y/", "plain/../other/x", "./dot/x"])("makes %s, relative to the working directory", async (path) => {
    using folder = temporaryFolder();
    const code = `import { makeFolder } from ${JSON.stringify(MODULE)}; makeFolder(${JSON.stringify(path)});`;
    const { exitCode, stderr } = await runProgram([process.execPath, "--input-type=module", "-e", code], { cwd: folder.path });
    expect(stderr).toBe("");
    expect(exitCode).toBe(0);
    expect(statSync(folder.join(path)).isDirectory()).toBe(true);
  });

  it("gives up where the file system makes no folders", () => {
    expect(errnoOfCall(() => makeFolder("/proc/x/y"))).toBe("ENOENT");
  });

  it("refuses a file that has the name", () => {
    using folder = temporaryFolder();
    writeFileSync(folder.join("a"), "");
    expect(errnoOfCall(() => makeFolder(folder.join("a")))).toBe("EEXIST");
    expect(errnoOfCall(() => makeFolder(folder.join("a", "b")))).toBe("ENOTDIR");
  });
});

describe("removeFile()", () => {
  it("removes a file, and is content when there is none", () => {
    using folder = temporaryFolder();
    writeFileSync(folder.join("a"), "");
    removeFile(folder.join("a"));
    removeFile(folder.join("a"));
    expect(readdirSync(folder.path)).toEqual([]);
  });

  it("refuses a folder", () => {
    using folder = temporaryFolder();
    mkdirSync(folder.join("a"));
    expect(errnoOfCall(() => removeFile(folder.join("a")))).toMatch(/^(EISDIR|EPERM)$/);
  });
});
