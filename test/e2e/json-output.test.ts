import { writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { holdfast } from "../support/holdfast.ts";
import { failureOf, makeInstance } from "../support/instance.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

describe("--json", () => {
  it("prints one document and nothing else in every failure, wherever it happens, with the exit code of its kind", async () => {
    using folder = temporaryFolder();
    writeFileSync(folder.join("main.txt"), "main");
    writeFileSync(folder.join("wrong.yaml"), "components:\n  main: { path: main.txt, colour: red }\nbackup: { path: backups }\n");
    const { config, run } = makeInstance(folder.path, "  main: { path: main.txt }");
    expect((await run("backup")).exitCode).toBe(0);
    const before: readonly (readonly [code: string, exit: number, args: readonly string[]])[] = [
      ["USAGE", 2, ["--config", config, "bakcup"]],
      ["USAGE", 2, ["--config", config, "backup", "lits"]],
      ["USAGE", 2, ["--config", config, "backup", "--no-such-option"]],
      ["USAGE", 2, ["--config", config, "backup", "--wait", "soon"]],
      ["USAGE", 2, ["--config", config, "backup", "--tag", "not a tag"]],
      ["USAGE", 2, ["--config", config, "export", "latest"]],
      ["NOT_AVAILABLE", 2, ["--config", config, "drill"]],
      ["CONFIRMATION_NEEDED", 2, ["--config", config, "restore", "latest"]],
      ["USAGE", 2, ["--config", config, "restore", "latest", "--to", "out", "--force"]],
      ["NOTHING_TO_UNDO", 2, ["--config", config, "restore", "--undo", "--yes"]],
      ["CONFIRMATION_NEEDED", 2, ["--config", config, "backup", "delete", "latest"]],
      ["CONFIG_NOT_FOUND", 2, ["--config", folder.join("none.yaml"), "status"]],
      ["CONFIG_INVALID", 2, ["--config", folder.join("wrong.yaml"), "backup"]],
      ["COMPONENT_NOT_FOUND", 2, ["--config", config, "backup", "--component", "mian"]],
      ["BACKUP_NOT_FOUND", 2, ["--config", config, "verify", "1999"]],
      ["PATH_NOT_FOUND", 2, ["--config", config, "cat", "latest", "nothing/here"]],
      ["BACKUP_PROTECTED", 1, ["--config", config, "backup", "delete", "latest", "--yes"]],
      ["TARGET_NOT_EMPTY", 1, ["--config", config, "restore", "latest", "--to", folder.path]],
      ["FILE_EXISTS", 1, ["--config", config, "export", "latest", "--output", config]],
      ["PATH_NOT_FOUND", 2, ["--config", config, "import", folder.join("none.tar.gz")]],
      ["CONFIG_EXISTS", 2, ["init", folder.path]],
    ];
    for (const [code, exit, args] of before) {
      // Before the command and after it: wherever it is written it counts.
      const result = await holdfast(code === "USAGE" ? ["--json", ...args] : [...args, "--json"], { cwd: folder.path });
      expect(failureOf(result, exit), args.join(" ")).toMatchObject({ code, message: expect.stringMatching(/\S/) as string });
      expect(result.stdout.endsWith("}\n"), args.join(" ")).toBe(true);
    }
  });

  it("prints no document without being asked: errors go to standard error, and standard output stays empty", async () => {
    using folder = temporaryFolder();
    const { run } = makeInstance(folder.path, "  main: { path: gone.txt }");
    const failed = await run("backup");
    expect(failed).toMatchObject({
      exitCode: 1,
      stdout: "",
      stderr: expect.stringMatching(/^holdfast: Component "main" is not there/) as string,
    });
    const quiet = await run("--quiet", "backup");
    expect(quiet).toMatchObject({ exitCode: 1, stdout: "", stderr: failed.stderr });
  });
});
