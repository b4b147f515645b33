import { Argument, Command, Option } from "commander";
import { describe, expect, it } from "vitest";
import { ERROR_CODES } from "../src/kernel/index.ts";
import { temporaryFolder } from "../test/support/temporary-folder.ts";
import { writeTree } from "../test/support/write-tree.ts";
import { architecturePage } from "./reference/architecture-page.ts";
import { commandsPage } from "./reference/commands-page.ts";
import { errorsPage } from "./reference/errors-page.ts";
import { ROOMS } from "./rooms.ts";

describe("architecturePage()", () => {
  it("has a row for every room, and calls built what has a folder with a module in it", () => {
    using folder = temporaryFolder();
    writeTree(folder.path, { "src/kernel/index.ts": "", "src/vault/a.test.ts": "", "src/index.ts": "" });
    const page = architecturePage(folder.path);
    for (const room of ROOMS) expect(page).toMatch(new RegExp(`^\\| ${room.floor} \\| .*\`${room.name}\``, "m"));
    expect(page.match(/\| yes \|$/gm)).toHaveLength(2);
    expect(page).toContain(" 0 | kernel   (contract)\n");
    expect(page).toContain(" 2 | (vault)\n");
  });
});

describe("errorsPage()", () => {
  it("has a row for every code with its exit code and status", () => {
    const page = errorsPage();
    for (const [code, { exit, http }] of Object.entries(ERROR_CODES)) {
      expect(page).toMatch(new RegExp(`^\\| \`${code}\` \\|.*\\| ${exit} \\| ${http} \\|`, "m"));
    }
  });
});

describe("commandsPage()", () => {
  it("says arguments, options, choices and examples of every command, and hides what is hidden", () => {
    const program = new Command("tool").description("A tool").option("--json", "print JSON");
    const group = program.command("group").description("A group");
    group
      .command("do")
      .description("Does it")
      .alias("act")
      .addArgument(new Argument("<what>", "the thing | or another"))
      .addOption(new Option("--how <way>", "the way").choices(["fast", "slow"]).default("slow"))
      .addOption(new Option("--secret", "nobody sees").hideHelp())
      .addHelpText("after", "\nExamples:\n  $ tool group do it");
    program.command("later", { hidden: true });
    const page = commandsPage(program);
    expect(page).toContain("| `--json` | print JSON |");
    expect(page).toContain("## tool group do\n\nDoes it\n");
    expect(page).toContain("tool group do [options] <what>\n```\n\nAlso: `act`\n");
    expect(page).toContain("| `what` | the thing \\| or another |");
    expect(page).toContain("| `--how <way>` | the way; one of `fast`, `slow`; `slow` unless given |");
    expect(page).toContain("```text\nExamples:\n  $ tool group do it\n```");
    expect(page).not.toMatch(/secret|later|help/);
  });
});
