import { EventEmitter } from "node:events";
import type { Command, Option } from "commander";

/** docs/reference/commands.md, from the program that parses the command line. */
export function commandsPage(program: Command): string {
  const sections = below(program).map((command) => section(command));
  return `# Commands

${program.description()}

${optionsTable("Options of every command", program)}
${sections.join("\n")}`;
}

/** Every command and subcommand that help shows, in the order of the program. */
function below(command: Command): Command[] {
  const children = command.createHelp().visibleCommands(command);
  return children.flatMap((child) => (child.name() === "help" ? [] : [child, ...below(child)]));
}

function fullName(command: Command): string {
  return command.parent === null ? command.name() : `${fullName(command.parent)} ${command.name()}`;
}

function section(command: Command): string {
  const argumentRows = command.registeredArguments
    .filter((argument) => argument.description !== "")
    .map((argument) => `| \`${argument.name()}\` | ${cell(argument.description)} |`);
  const aliases = command.aliases().map((alias) => `\`${alias}\``);
  return [
    `## ${fullName(command)}\n`,
    `${command.description()}\n`,
    `\`\`\`text\n${fullName(command)} ${command.usage()}\n\`\`\`\n`,
    aliases.length === 0 ? "" : `Also: ${aliases.join(", ")}\n`,
    argumentRows.length === 0 ? "" : `| argument | meaning |\n|---|---|\n${argumentRows.join("\n")}\n`,
    optionsTable("", command),
    textAfterHelp(command),
  ]
    .filter((part) => part !== "")
    .join("\n");
}

function optionsTable(title: string, command: Command): string {
  const options = command.createHelp().visibleOptions(command);
  const rows = options
    .filter((option) => option.long !== "--help")
    .map((option) => `| \`${cell(option.flags)}\` | ${cell(option.description)}${choices(option)} |`);
  if (rows.length === 0) return "";
  return `${title === "" ? "" : `## ${title}\n\n`}| option | meaning |\n|---|---|\n${rows.join("\n")}\n`;
}

function choices(option: Option): string {
  const known = option.argChoices === undefined ? "" : `; one of ${option.argChoices.map((choice) => `\`${choice}\``).join(", ")}`;
  const standard =
    typeof option.defaultValue === "string" || typeof option.defaultValue === "number" ? `; \`${option.defaultValue}\` unless given` : "";
  return known + standard;
}

/** What addHelpText("after", …) shows, which is where examples stand. */
function textAfterHelp(command: Command): string {
  let text = "";
  // Commander keeps added help as listeners of itself, and its types do not say that it is an emitter.
  const emitter: unknown = command;
  if (!(emitter instanceof EventEmitter)) throw new Error("Cannot ask commander for added help: it is no event emitter any more");
  emitter.emit("afterHelp", { command, error: false, write: (more: string) => (text += more) });
  return text.trim() === "" ? "" : `\`\`\`text\n${text.trim()}\n\`\`\`\n`;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}
