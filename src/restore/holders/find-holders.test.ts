import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { linkSync, mkdirSync, renameSync, unlinkSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { asUser } from "../../../test/support/as-user.ts";
import { createBank } from "../../../test/support/bank.ts";
import { temporaryFolder } from "../../../test/support/temporary-folder.ts";
import { findHolders } from "./find-holders.ts";

interface Held extends AsyncDisposable {
  readonly pid: number;
}

/** A process that runs this, prints a line, and stays until the scope ends. */
async function keepRunning(code: string, cwd?: string): Promise<Held> {
  const child: ChildProcess = spawn(
    process.execPath,
    ["-e", `${code}; console.log("ready"); process.stdin.resume().on("end", () => process.exit());`],
    {
      stdio: ["pipe", "pipe", "inherit"],
      cwd,
    },
  );
  if (child.stdout === null || child.stdin === null) throw new Error("no pipes");
  await once(child.stdout, "data");
  const { stdin } = child;
  return {
    pid: child.pid ?? 0,
    [Symbol.asyncDispose]: async () => {
      stdin.end();
      await once(child, "close");
    },
  };
}

const open = (path: string): string => `require("fs").openSync(${JSON.stringify(path)}, "r")`;

describe("findHolders()", () => {
  it("finds nobody where nobody is", () => {
    using folder = temporaryFolder();
    writeFileSync(folder.join("state.json"), "{}");
    expect(findHolders([{ path: folder.join("state.json"), sort: "file" }]).holders).toEqual([]);
  });

  it("finds a file that is open, by its name, by another name, and after it was replaced", async () => {
    using folder = temporaryFolder();
    const path = folder.join("state.json");
    writeFileSync(path, "{}");
    linkSync(path, folder.join("alias.json"));
    await using byName = await keepRunning(open(path));
    await using byAlias = await keepRunning(open(folder.join("alias.json")));
    const found = (): number[] => findHolders([{ path, sort: "file" }]).holders.flatMap(({ pid }) => (pid === null ? [] : [pid]));
    expect(new Set(found())).toEqual(new Set([byName.pid, byAlias.pid]));
    unlinkSync(path);
    writeFileSync(folder.join("new"), "{}");
    renameSync(folder.join("new"), path);
    expect(found()).toContain(byName.pid);
    expect(findHolders([{ path, sort: "file" }], { ignore: [byName.pid] }).holders.map(({ pid }) => pid)).not.toContain(byName.pid);
  });

  it("finds whoever has something open in a tree, or works in it", async () => {
    using folder = temporaryFolder();
    mkdirSync(folder.join("memory", "deep"), { recursive: true });
    mkdirSync(folder.join("memory-of-others"));
    writeFileSync(folder.join("memory", "deep", "a.md"), "a");
    writeFileSync(folder.join("memory-of-others", "b.md"), "b");
    await using inside = await keepRunning(open(folder.join("memory", "deep", "a.md")));
    await using working = await keepRunning("", folder.join("memory", "deep"));
    await using beside = await keepRunning(open(folder.join("memory-of-others", "b.md")));
    const { holders } = findHolders([{ path: folder.join("memory"), sort: "tree" }]);
    expect(holders.map(({ pid, how }) => [pid, how])).toEqual(
      expect.arrayContaining([
        [inside.pid, "open file"],
        [working.pid, "working folder"],
      ]),
    );
    expect(holders.map(({ pid }) => pid)).not.toContain(beside.pid);
  });

  it("finds an idle connection of another user by its lock, in WAL mode, and says what it could not see", async () => {
    using folder = temporaryFolder();
    const path = folder.join("state.db");
    createBank(path).close();
    await using held = await keepRunning(
      `const { DatabaseSync } = require("node:sqlite"); globalThis.db = new DatabaseSync(${JSON.stringify(path)}); db.prepare("SELECT count(*) FROM log").get()`,
    );
    const module = JSON.stringify(new URL("./find-holders.ts", import.meta.url).href);
    const code = `import { findHolders } from ${module}; console.log(JSON.stringify(findHolders([{ path: ${JSON.stringify(path)}, sort: "file" }])))`;
    // The folder may be entered; the process may not be looked at.
    const { execFileSync } = await import("node:child_process");
    execFileSync("chmod", ["755", folder.path]);
    const { stdout } = await asUser(65_534, [process.execPath, "--input-type=module", "-e", code]);
    const scan = JSON.parse(stdout) as ReturnType<typeof findHolders>;
    expect(scan.holders).toContainEqual({ pid: held.pid, command: expect.any(String), paths: [`${path}-shm`], how: "lock" });
    expect(scan.complete).toBe(false);
    expect(scan.unseen).toBeGreaterThan(0);
  });

  it("finds a transaction that is open on a database in rollback mode", async () => {
    using folder = temporaryFolder();
    const path = folder.join("state.db");
    createBank(path, "delete").close();
    using database = new DatabaseSync(path);
    database.exec("BEGIN IMMEDIATE");
    const locks = findHolders([{ path, sort: "file" }]).holders.filter(({ pid }) => pid === process.pid);
    expect(locks).not.toEqual([]);
    expect(findHolders([{ path, sort: "file" }], { ignore: [process.pid] }).holders).toEqual([]);
  });

  it("does not take an empty /proc for an answer", () => {
    using folder = temporaryFolder();
    expect(findHolders([], { proc: folder.path })).toEqual({ holders: [], unseen: 0, complete: false });
    expect(findHolders([], { proc: folder.join("gone") }).complete).toBe(false);
  });
});
