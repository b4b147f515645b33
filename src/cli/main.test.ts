import { existsSync, readdirSync, writeFileSync } from "node:fs";
import type { Command } from "commander";
import { describe, expect, it } from "vitest";
import { holdfast } from "../../test/support/holdfast.ts";
import type { ProgramResult } from "../../test/support/run-program.ts";
import { temporaryFolder, type TemporaryFolder } from "../../test/support/temporary-folder.ts";
import { writeTree } from "../../test/support/write-tree.ts";
import { buildProgram } from "./program.ts";

const CONFIG = "name: acme\ncomponents:\n  memory: { path: memory }\nbackup: { path: backups }\n";

/** A folder in which a backup would succeed, so that a refusal is one. */
function place(): TemporaryFolder {
  const folder = temporaryFolder();
  writeTree(folder.path, { "holdfast.yaml": CONFIG, "memory/a.md": "# A" });
  return folder;
}

/** Runs it where a backup would succeed, and makes sure that nothing was made. */
async function refused(...args: string[]): Promise<ProgramResult> {
  using folder = place();
  const result = await holdfast(args, { cwd: folder.path });
  expect(result.exitCode).toBe(2);
  expect(readdirSync(folder.path).toSorted()).toEqual(["holdfast.yaml", "memory"]);
  return result;
}

/** The one JSON document of an error, and nothing else on either output. */
async function refusedInJson(...args: string[]): Promise<{ code: string; message: string; hint?: string }> {
  const { stderr, json } = await refused(...args, "--json");
  expect(stderr).toBe("");
  const { schema, error } = json<{ schema: string; error: { code: string; message: string; hint?: string } }>();
  expect(schema).toBe("holdfast.error/1");
  return error;
}

describe("main() with a command line that it does not understand", () => {
  it.each([
    [["statsu"], "unknown command 'statsu'", "status"],
    [["bakcup"], "unknown command 'bakcup'", "backup"],
    [["backup", "lst"], 'Unknown command "backup lst"', "backup list"],
    [["backup", "shwo", "latest"], 'Unknown command "backup shwo"', "backup show"],
    [["backup", "create", "undelet"], 'Unknown command "backup undelet"', "backup undelete"],
    [["backup", "--dry-rnu"], "unknown option '--dry-rnu'", "--dry-run"],
    [["backup", "--comonent", "memory"], "unknown option '--comonent'", "--component"],
    [["status", "--jsn"], "unknown option '--jsn'", "--json"],
    [["vault", "adpt"], "unknown command 'adpt'", "adopt"],
    [["backup", "--component", "memry"], 'No component is called "memry"', '"memory"'],
  ])("refuses %j with a suggestion, and takes no backup", async (args, complaint, meant) => {
    const { stdout, stderr } = await refused(...args);
    expect(stdout).toBe("");
    expect(stderr).toContain(complaint);
    expect(stderr).toMatch(new RegExp(`Did you mean .*${meant}`));
  });

  it.each([
    [["backup", "everything"], 'Unknown command "backup everything"'],
    [["backup", "--trigger", "sometimes"], "argument 'sometimes' is invalid"],
    [["backup", "--wait", "soon"], 'Not a duration: "soon"'],
    [["backup", "--tag", "no good"], "Not a tag"],
    [["backup", "list", "all"], "too many arguments"],
    [["verify", "latest", "--all"], "not both"],
    [["verify", "latest", "--sample", "10%"], "Give ids or --sample, not both"],
    [["verify", "--all", "--sample", "10%"], "Give --all or --sample, not both"],
    [["verify", "--sample", "0%"], 'Cannot read back a sample of "0%"'],
    [["verify", "--sample", "101%"], "at most 100%"],
    [["verify", "--sample", "10"], "holdfast verify --sample 10%"],
    [["verify", "--sample", "-5%"], 'a sample of "-5%"'],
    [["export", "latest"], "required option '-o, --output <file>' not specified"],
    [["restore", "--to", "out"], "Name the backup to restore"],
    [["show"], "unknown command 'show'"],
    [["cat", "latest"], "missing required argument 'path'"],
    [["completion", "tcsh"], "bash, zsh, fish"],
    [[], "Usage: holdfast"],
    [["--quiet"], "Usage: holdfast"],
    [["--config"], "argument missing"],
  ])("refuses %j", async (args, complaint) => {
    expect((await refused(...args)).stderr).toContain(complaint);
  });
});

describe("main() with words of the program before the command", () => {
  it.each([
    [["--help", "backup"], /Usage: holdfast \[options\] \[command\][^]*\n {2}status/],
    [["--json", "-h", "status"], /\n {2}backup[^]*\n {2}status/],
    [["--quiet", "backup", "--help"], /^Usage: holdfast backup /],
    [["-c", "status", "backup", "--help"], /^Usage: holdfast backup /],
    [["-qc", "status", "ls", "--help"], /^Usage: holdfast ls /],
    [["--config=backup", "vault", "--help"], /^Usage: holdfast vault /],
    [["help", "ls"], /^Usage: holdfast ls /],
  ])("answers %j", async (args, expected) => {
    using folder = place();
    const { exitCode, stdout } = await holdfast(args, { cwd: folder.path });
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(expected);
  });
});

describe("main() with what this version does not have", () => {
  it.each(["drill"])("refuses `holdfast %s` by name, whatever follows, and does nothing", async (name) => {
    for (const rest of [[], ["list"], ["--dry-run", "latest"], ["--", "touch", "made"], ["--help"]]) {
      const { stderr, stdout } = await refused(name, ...rest);
      expect(stderr).toContain(`\`holdfast ${name}\` is not available in this version`);
      expect(stdout).toBe("");
    }
    expect(await refusedInJson(name, "latest")).toMatchObject({
      code: "NOT_AVAILABLE",
      message: `\`holdfast ${name}\` is not available in this version`,
    });
  });

  /** Every option that a command knows and does not show, with a value where it takes one. */
  function hiddenOptions(
    command: Command,
    path: readonly string[] = [],
  ): (readonly [path: string, option: string, args: readonly string[]])[] {
    const own = command.options
      .filter(({ hidden, long }) => hidden && long !== "--progress")
      .map(({ long, required }) => [path.join(" "), long ?? "", [...path, long ?? "", ...(required ? ["1"] : [])]] as const);
    return [...own, ...command.commands.flatMap((sub) => hiddenOptions(sub, [...path, sub.name()]))];
  }
  const hidden = hiddenOptions(buildProgram(async () => {}));

  it("knows every option that is described and not built", () => {
    expect(hidden.map(([path, option]) => `${path} ${option}`).toSorted()).toEqual(["init --preset"]);
  });

  it.each(hidden)("refuses `%s %s` by name", async (_path, option, args) => {
    expect(await refusedInJson(...args)).toMatchObject({
      code: "NOT_AVAILABLE",
      message: `\`${option}\` is not available in this version`,
    });
  });
});

describe("main() with --json", () => {
  it.each([
    [["statsu"], "USAGE", "Unknown command 'statsu'", "Did you mean status?"],
    [["backup", "--dry-rnu"], "USAGE", "Unknown option '--dry-rnu'", "Did you mean --dry-run?"],
    [["backup", "lst"], "USAGE", 'Unknown command "backup lst"', 'Did you mean "backup list"?'],
    [[], "USAGE", "No command was named", "See what there is with: holdfast --help"],
    [["--config", "gone.yaml", "status"], "CONFIG_NOT_FOUND", expect.any(String), expect.any(String)],
    [["backup", "show", "latest"], "BACKUP_NOT_FOUND", expect.any(String), expect.any(String)],
    [["backup", "--component", "memry"], "COMPONENT_NOT_FOUND", 'No component is called "memry"', 'Did you mean "memory"?'],
  ])("tells of %j in one JSON document on stdout, and nothing on stderr", async (args, code, message, hint) => {
    expect(await refusedInJson(...args)).toEqual({ code, message, hint });
  });

  it("stays JSON when a message holds what looks like a secret in quotes, and the secret is gone", async () => {
    using folder = place();
    const { stdout, json } = await holdfast(["--json", "--config", 'token="abc1234567".yaml', "status"], { cwd: folder.path });
    expect(json()).toMatchObject({ error: { code: "CONFIG_NOT_FOUND" } });
    expect(stdout).not.toContain("abc1234567");
  });

  it("finds the problems of a configuration with their position", async () => {
    using folder = place();
    writeFileSync(folder.join("holdfast.yaml"), `${CONFIG}bakcup: {}\n`);
    const { exitCode, json, stderr } = await holdfast(["status", "--json"], { cwd: folder.path });
    expect(exitCode).toBe(2);
    expect(stderr).toBe("");
    expect(json()).toMatchObject({ error: { code: "CONFIG_INVALID", position: { line: 5, column: 1 } } });
  });

  it("prints one line of JSON for an error when a program asks for progress", async () => {
    using folder = place();
    const { stdout, jsonLines } = await holdfast(["backup", "--component", "memry", "--json", "--progress"], { cwd: folder.path });
    expect(jsonLines()).toMatchObject([{ schema: "holdfast.error/1", error: { code: "COMPONENT_NOT_FOUND" } }]);
    expect(stdout.trimEnd().split("\n")).toHaveLength(1);
  });
});

describe("main() and the terminal", () => {
  it("shows what a name does to a terminal instead of doing it", async () => {
    using folder = place();
    const { stderr } = await holdfast(["--config", "\u001B]0;title\u0007.yaml", "status"], { cwd: folder.path });
    expect(stderr).toContain("\\u001b]0;title\\u0007.yaml");
    expect(stderr).not.toContain("\u001B");
  });

  it("prints help and version on stdout and exits 0", async () => {
    expect(await holdfast(["--help"])).toMatchObject({ exitCode: 0, stderr: "", stdout: expect.stringContaining("holdfast protect") });
    expect(await holdfast(["backup", "--help"])).toMatchObject({ exitCode: 0, stderr: "", stdout: expect.stringContaining("--dry-run") });
    expect((await holdfast(["--version"])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it("needs --yes where nobody can be asked, and deletes nothing without", async () => {
    using folder = place();
    expect((await holdfast(["backup"], { cwd: folder.path })).exitCode).toBe(0);
    expect((await holdfast(["backup"], { cwd: folder.path })).exitCode).toBe(0);
    const before = readdirSync(folder.join("backups"));
    const unasked = await holdfast(["backup", "delete", "latest", "--json"], { cwd: folder.path });
    expect(unasked.exitCode).toBe(2);
    expect(unasked.json()).toMatchObject({ error: { code: "CONFIRMATION_NEEDED" } });
    expect(readdirSync(folder.join("backups"))).toEqual(before);
    expect((await holdfast(["backup", "delete", "latest", "--yes"], { cwd: folder.path })).exitCode).toBe(0);
    expect((await holdfast(["backup", "list", "--json"], { cwd: folder.path })).json<{ backups: unknown[] }>().backups).toHaveLength(1);
    expect(existsSync(folder.join("memory", "a.md"))).toBe(true);
  });
});
