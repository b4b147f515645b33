import { readFileSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readBank } from "../support/bank.ts";
import { holdfast } from "../support/holdfast.ts";
import { documentOf, failureOf, type BackupDocument } from "../support/instance.ts";
import { mountTmpfs } from "../support/mount-tmpfs.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { makeWorkspace } from "../support/workspace.ts";

describe("a rotation of keys that is cut off", () => {
  it.each([
    ["key-rotate-before-publish", 1],
    ["key-rotate-published", 2],
  ] as const)(
    "killed at %s leaves epoch %i: the key opens every backup, the next one works, and so does the next rotation",
    async (point, newest) => {
      using folder = temporaryFolder();
      const { config } = makeWorkspace(folder.path, { form: "repository" });
      const run = (args: readonly string[], env = {}) => holdfast(["--config", config, ...args], { env });
      const { id } = documentOf<BackupDocument>(await run(["backup", "--json"]), 0);
      const rotate = (sheet: string): readonly string[] => ["key", "rotate", "--sheet", folder.join(sheet), "--yes", "--json"];
      const killed = await run(rotate("first.txt"), { HOLDFAST_CRASHPOINT: point });
      expect(`${killed.signal} ${killed.exitCode}`, killed.stderr).toBe("SIGKILL null");

      expect(documentOf<{ opens: string; epochs: unknown[] }>(await run(["key", "check", "--json"]), 0)).toMatchObject({ opens: "all" });
      documentOf(await run(["verify", id, "--json"]), 0);
      writeFileSync(folder.join("data", "memory", "since.md"), "written since\n");
      const next = documentOf<BackupDocument>(await run(["backup", "--json"]), 0);
      documentOf(await run(["verify", "--all", "--json"]), 0);
      const second = documentOf<{ epoch: number; recovery: { sheet: string } }>(await run(rotate("second.txt")), 0);
      expect(second.epoch).toBe(newest + 1);
      const last = documentOf<BackupDocument>(await run(["backup", "--json"]), 0);
      for (const backup of [id, next.id, last.id]) {
        documentOf(await run(["restore", backup, "--to", folder.join(backup), "--json"]), 0);
        expect(readBank(folder.join(backup, "synthorg.db")).last).toBe(5);
      }
      expect(readFileSync(folder.join(last.id, "memory", "since.md"), "utf8")).toBe("written since\n");
    },
  );

  it("on a full disk fails by its name, leaves the old keys, and works once there is space", async (test) => {
    using folder = temporaryFolder();
    using disk = mountTmpfs(3_000_000, test);
    const { config, vault } = makeWorkspace(folder.path, { form: "repository", vault: join(disk.path, "vault") });
    const run = (...args: string[]) => holdfast(["--config", config, ...args]);
    documentOf(await run("backup", "--json"), 0);
    const keys = readFileSync(join(vault, "keys", "1.json"));
    const rotate = (sheet: string): readonly string[] => ["key", "rotate", "--sheet", folder.join(sheet), "--yes", "--json"];
    const { bavail, bsize } = statfsSync(disk.path);
    writeFileSync(join(disk.path, "filler"), Buffer.alloc(bavail * bsize));
    expect(failureOf(await run(...rotate("first.txt")), 1).code).toBe("NO_SPACE");
    rmSync(join(disk.path, "filler"));
    expect(readFileSync(join(vault, "keys", "1.json")).equals(keys)).toBe(true);
    expect(documentOf<{ opens: string }>(await run("key", "check", "--json"), 0).opens).toBe("all");
    expect(documentOf<{ epoch: number }>(await run(...rotate("second.txt")), 0).epoch).toBe(2);
    documentOf(await run("backup", "--json"), 0);
    documentOf(await run("verify", "--all", "--json"), 0);
  });
});
