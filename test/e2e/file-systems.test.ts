import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createBank, moveMoney } from "../support/bank.ts";
import { documentOf, failureOf, makeInstance, type BackupDocument } from "../support/instance.ts";
import { mountAt } from "../support/mount.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { writeTree } from "../support/write-tree.ts";

interface ShownOmissions {
  readonly manifest: {
    readonly component_details: Readonly<
      Record<string, { readonly omissions: readonly { readonly path: string; readonly harmless: boolean }[] }>
    >;
  };
}

describe("the vault and the state folder inside a component, also reached through bind mounts", () => {
  it.for([
    ["archive", "tar.gz"],
    ["plain folder", "directory"],
  ] as const)("are left out under every path and said so, backup after backup (%s)", async ([, form], test) => {
    using folder = temporaryFolder();
    writeTree(folder.path, {
      "all/data/a.md": "a",
      "all/mounts/vault/.keep": "",
      "all/mounts/state/.keep": "",
      "all/mounts/data/.keep": "",
    });
    const { run, vault } = makeInstance(folder.join("all"), "  all: { path: . }\n  mounts: { path: mounts }", { form });
    expect((await run("backup")).exitCode).toBe(0);
    using mounts = new DisposableStack();
    mounts.use(mountAt(folder.join("all", "mounts", "vault"), ["--bind", vault], test));
    mounts.use(mountAt(folder.join("all", "mounts", "state"), ["--bind", folder.join("all", ".holdfast")], test));
    // What is not Holdfast's own is captured through a bind mount like anything else.
    mounts.use(mountAt(folder.join("all", "mounts", "data"), ["--bind", folder.join("all", "data")], test));
    const sizes: number[] = [];
    for (let n = 0; n < 3; n += 1) {
      const taken = documentOf<BackupDocument>(await run("backup", "--json"), 0);
      sizes.push(taken.components.reduce((sum, { bytes }) => sum + bytes, 0));
    }
    // A backup that holds the ones before it grows.
    expect(new Set(sizes).size).toBe(1);
    const { manifest } = documentOf<ShownOmissions>(await run("backup", "show", "latest", "--json"), 0);
    const omitted = (name: string): string[] => (manifest.component_details[name]?.omissions ?? []).map(({ path }) => path).toSorted();
    expect(omitted("all")).toEqual([".holdfast", "backups", "mounts/state", "mounts/vault"]);
    expect(omitted("mounts")).toEqual(["state", "vault"]);
    const listed = (await run("ls", "latest", "--recursive")).stdout;
    expect(listed).toContain("mounts/data/a.md");
    expect(listed).not.toMatch(/vault\.json|last-run\.json/);
    // A component that is the vault itself, by whatever path, is refused.
    const own = makeInstance(folder.join("all"), "  memory: { path: mounts/vault, importance: critical }", { form });
    expect(failureOf(await own.run("backup", "--json"), 1).code).toBe("COMPONENT_PATH");
  });
});

/** A command for which everything below a folder lies on FUSE, as statfs(2) would say. */
function onFuse(folder: string, below: string, kind = 0x65735546): { readonly nodeFlags: readonly string[] } {
  const file = join(folder, "statfs.cjs");
  writeFileSync(
    file,
    `const fs = require("node:fs");
const real = fs.statfsSync;
fs.statfsSync = (path, ...rest) => {
  const answer = real(path, ...rest);
  return String(path).startsWith(${JSON.stringify(below)}) ? Object.assign(answer, { type: ${kind} }) : answer;
};
require("node:module").syncBuiltinESMExports();`,
  );
  return { nodeFlags: ["--require", file] };
}

describe("a file system whose locks cannot be relied on", () => {
  it("is refused by name for a vault: no command writes to it, or reads from it", async () => {
    using folder = temporaryFolder();
    writeFileSync(folder.join("main.txt"), "main");
    const { runWith, run, vault } = makeInstance(folder.path, "  main: { path: main.txt }");
    const fuse = onFuse(folder.path, vault);
    mkdirSync(vault);
    for (const command of [["backup"], ["backup", "list"], ["status"], ["verify"]]) {
      const failure = failureOf(await runWith(fuse, ...command, "--json"), 1);
      expect(failure).toMatchObject({
        code: "FILE_SYSTEM_UNSUPPORTED",
        message: expect.stringContaining("FUSE") as string,
        hint: expect.stringContaining("local disk") as string,
      });
    }
    expect(failureOf(await runWith(onFuse(folder.path, vault, 0x6969), "backup", "--json"), 1).message).toContain("NFS");
    expect(readdirSync(vault)).toEqual([]);
    expect((await run("backup")).exitCode).toBe(0);
  });

  it("is refused by name for a database, as a component and in a folder; plain files there are captured", async () => {
    using folder = temporaryFolder();
    const data = folder.join("data");
    writeTree(folder.path, { "data/memory/a.md": "a" });
    for (const name of ["bank.db", "memory/index.db"]) {
      const bank = createBank(join(data, name));
      moveMoney(bank);
      bank.close();
    }
    const { run, runWith } = makeInstance(
      folder.path,
      "  persistence: { path: data/bank.db }\n  memory: { path: data/memory, exclude: [index.db] }\n  tree: { path: data/memory }",
    );
    const fuse = onFuse(folder.path, data);
    for (const component of ["persistence", "tree"]) {
      const failure = failureOf(await runWith(fuse, "backup", "--component", component, "--json"), 1);
      expect(failure).toMatchObject({
        code: "FILE_SYSTEM_UNSUPPORTED",
        message: expect.stringMatching(/"[^"]*\.db" lies on FUSE, where the locks of a database cannot be relied on/) as string,
      });
      expect(failure.hint).toContain("where the runtime itself runs");
    }
    documentOf<BackupDocument>(await runWith(fuse, "backup", "--component", "memory", "--json"), 0);
    documentOf<BackupDocument>(await run("backup", "--json"), 0);
  });
});
