import { existsSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { LAUNCHER } from "../support/holdfast.ts";
import { documentOf, failureOf, makeInstance, type BackupDocument } from "../support/instance.ts";
import { mountTmpfs } from "../support/mount-tmpfs.ts";
import { runProgram } from "../support/run-program.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { writeTree } from "../support/write-tree.ts";

interface PlanDocument {
  readonly components: readonly {
    readonly component: string;
    readonly target: string;
    readonly untouched: readonly { readonly path: string; readonly reason: string }[];
  }[];
  readonly warnings: readonly string[];
}

const leftBeside = (folder: string): string[] => readdirSync(folder).filter((name) => /holdfast-(new|old|undone)|RESTORE/.test(name));

describe("holdfast restore in place with a disk that fills up", () => {
  it("in the vault: the safety backup fails by name, and nothing was touched; --no-safety goes without it", async (context) => {
    using folder = temporaryFolder();
    using disk = mountTmpfs(1024 * 1024, context);
    writeFileSync(folder.join("big.bin"), Buffer.alloc(400 * 1024, 1));
    const { run, config } = makeInstance(folder.path, "  big: { path: big.bin }", { compression: false });
    writeFileSync(config, readFileSync(config, "utf8").replace("path: backups", `path: ${disk.path}/vault`));
    const { id } = documentOf<BackupDocument>(await run("backup", "--json"), 0);
    const since = Buffer.alloc(900 * 1024, 2);
    writeFileSync(folder.join("big.bin"), since);
    expect(failureOf(await run("restore", id, "--yes", "--json"), 1).code).toBe("NO_SPACE");
    expect(readFileSync(folder.join("big.bin")).equals(since)).toBe(true);
    expect(leftBeside(folder.path)).toEqual([]);
    documentOf(await run("restore", id, "--yes", "--no-safety", "--json"), 0);
    expect(statSync(folder.join("big.bin")).size).toBe(400 * 1024);
  });

  it("in the state directory: the journal cannot be written, and nothing was touched", async (context) => {
    using folder = temporaryFolder();
    using disk = mountTmpfs(256 * 1024, context);
    writeFileSync(folder.join("main.txt"), "1");
    const { run } = makeInstance(folder.path, "  main: { path: main.txt }", { more: `state_dir: ${disk.path}/state\n` });
    const { id } = documentOf<BackupDocument>(await run("backup", "--json"), 0);
    writeFileSync(folder.join("main.txt"), "2");
    await runProgram(["dd", "if=/dev/zero", `of=${disk.path}/fill`, "bs=4k"]);
    const failed = failureOf(await run("restore", id, "--yes", "--json"), 1);
    expect(["NO_SPACE", "FILE_SYSTEM"]).toContain(failed.code);
    expect(readFileSync(folder.join("main.txt"), "utf8")).toBe("2");
    expect(leftBeside(folder.path)).toEqual([]);
  });
});

describe("holdfast restore in place of a tree that holds what is not its own", () => {
  it("leaves an excluded folder of a gigabyte, a nested component and a pipe as they are, and names them in the plan", async () => {
    using folder = temporaryFolder();
    const big = folder.join("data", "app", "node_modules", "big.bin");
    writeTree(folder.path, { "data/a.md": "1", "data/app/x.js": "1", "data/app/node_modules/big.bin": "", "data/nested/state.json": "{}" });
    truncateSync(big, 1024 ** 3);
    expect((await runProgram(["mkfifo", folder.join("data", "queue")])).exitCode).toBe(0);
    const { run } = makeInstance(
      folder.path,
      "  data: { path: data, exclude: [node_modules] }\n  nested: { path: data/nested/state.json }",
      {
        compression: false,
      },
    );
    const { id } = documentOf<BackupDocument>(await run("backup", "--json"), 0);
    writeTree(folder.path, { "data/a.md": "2", "data/app/x.js": "2", "data/app/new.js": "2", "data/nested/state.json": '{"n":2}' });
    const before = statSync(big);
    const plan = documentOf<PlanDocument>(await run("restore", id, "--component", "data", "--dry-run", "--json"), 0);
    expect(plan.components[0]?.untouched.map(({ path }) => path).toSorted()).toEqual(["app/node_modules", "nested/state.json", "queue"]);
    documentOf(await run("restore", id, "--component", "data", "--yes", "--json"), 0);
    const after = statSync(big);
    expect([after.ino, after.mtimeMs, after.ctimeMs]).toEqual([before.ino, before.mtimeMs, before.ctimeMs]);
    expect(statSync(folder.join("data", "queue")).isFIFO()).toBe(true);
    expect(readFileSync(folder.join("data", "nested", "state.json"), "utf8")).toBe('{"n":2}');
    expect(["a.md", "app/x.js"].map((name) => readFileSync(folder.join("data", name), "utf8"))).toEqual(["1", "1"]);
    expect(existsSync(folder.join("data", "app", "new.js"))).toBe(false);
  });

  it("goes on although the shell that it is typed in stands in the folder", async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, { "memory/deep/a.md": "1" });
    const { run, config } = makeInstance(folder.path, "  memory: { path: memory }");
    const { id } = documentOf<BackupDocument>(await run("backup", "--json"), 0);
    writeTree(folder.path, { "memory/deep/a.md": "2" });
    const typed = `cd memory/deep && sh -c '"${process.execPath}" "${LAUNCHER}" --config "${config}" restore ${id} --yes; exit $?'; exit $?`;
    const { exitCode, stderr } = await runProgram(["sh", "-c", typed], { cwd: folder.path });
    expect(exitCode, stderr).toBe(0);
    expect(readFileSync(folder.join("memory", "deep", "a.md"), "utf8")).toBe("1");
  });

  it("follows a pointer of the document that is restored, and says where the state went and where it lay", async () => {
    using folder = temporaryFolder();
    writeTree(folder.path, {
      "orchestrator_config.json": '{"stateFile":"old/state.json"}',
      "old/state.json": '{"n":1}',
      "new/state.json": '{"n":2}',
    });
    const { run } = makeInstance(
      folder.path,
      "  config: { path: orchestrator_config.json }\n  state: { path: { from: orchestrator_config.json, pointer: /stateFile } }",
    );
    const { id } = documentOf<BackupDocument>(await run("backup", "--json"), 0);
    writeFileSync(folder.join("orchestrator_config.json"), '{"stateFile":"new/state.json"}');
    const planned = async (...more: string[]): Promise<PlanDocument> =>
      documentOf<PlanDocument>(await run("restore", id, "--dry-run", "--json", ...more), 0);
    // With the document the state goes where the restored document says; without it, where today's does.
    expect((await planned()).components.find(({ component }) => component === "state")?.target).toBe(folder.join("old", "state.json"));
    const alone = await planned("--component", "state");
    expect(alone.components[0]?.target).toBe(folder.join("new", "state.json"));
    expect(alone.warnings).toContainEqual(
      `"state" lay at "${folder.join("old", "state.json")}" and goes to "${folder.join("new", "state.json")}"`,
    );
  });
});
