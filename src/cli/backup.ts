import { Argument, Command, Option } from "commander";
import { formatBytes, formatDuration, monotonicNow, nearest, UsageError } from "../kernel/index.ts";
import type { BackupResult } from "../operations/index.ts";
import { TRIGGERS } from "../vault/index.ts";
import { deleteCommand, listCommand, pinCommand, showCommand, undeleteCommand, unpinCommand } from "./backups.ts";
import { collect, makeCommand, type Action, type ExitCode, type Runner } from "./command.ts";
import { printDryRun } from "./dry-run.ts";
import type { Io } from "./io.ts";
import { startProgress } from "./progress.ts";
import { restoreCommand } from "./restore.ts";
import { waitOf, waitOption } from "./wait-option.ts";
import { heapWatch } from "./keep-heap-small.ts";

const NAMES = ["create", "list", "show", "delete", "undelete", "pin", "unpin", "restore"];

export function backupCommand(runner: Runner): Command {
  const group = new Command("backup")
    .summary("take a backup, and look after the ones taken")
    .description("Take a backup; with a subcommand, look after the ones taken");
  const create = createCommand(runner);
  group.addCommand(create, { isDefault: true });
  // Without a subcommand it is `create`, so that one's options belong on this page as well.
  group.addHelpText(
    "after",
    () =>
      `\nWithout a subcommand a backup is taken:\n${create.helpInformation().split("\n").slice(4).join("\n")}\n  $ holdfast backup\n  $ holdfast backup list`,
  );
  for (const command of [
    listCommand(runner),
    showCommand(runner),
    deleteCommand(runner),
    undeleteCommand(runner),
    pinCommand(runner),
    unpinCommand(runner),
    restoreCommand(runner),
  ]) {
    group.addCommand(command);
  }
  return group;
}

function createCommand(runner: Runner): Command {
  const about = {
    summary: "take a backup of what is declared, and print its id",
    examples: ["backup", "backup --component persistence --tag before-upgrade", "backup --dry-run", "backup --wait 5m --json"],
  };
  return (
    makeCommand("create", about, runner, takeOne)
      .usage("[options]")
      // A mistyped subcommand must not take a backup instead.
      .addArgument(new Argument("[unexpected...]").argParser(refuseUnknown))
      .option("--component <name>", "only this component (repeatable)", collect)
      .addOption(new Option("--trigger <why>", "why it is taken").choices(TRIGGERS).default("manual"))
      .option("--tag <tag>", "a tag to find it by (repeatable)", collect)
      .option("--dry-run", "say what would be captured, with sizes, and take nothing")
      .addOption(waitOption())
  );
}

function refuseUnknown(word: string): never {
  const near = nearest(word, NAMES);
  throw new UsageError("USAGE", `Unknown command "backup ${word}"`, {
    hint: near === undefined ? `One of ${NAMES.join(", ")}` : `Did you mean "backup ${near}"?`,
  });
}

const takeOne: Action = async ({ io, instance, options }) => {
  const components = options["component"] as readonly string[] | undefined;
  const opened = await instance();
  if (options["dryRun"] === true) return printDryRun(io, opened, components);
  const wait = waitOf(options);
  const { backup, backupResult } = await import("../operations/index.ts");
  using progress = startProgress(io);
  const started = monotonicNow();
  const watchHeap = heapWatch();
  const outcome = await backup(opened, {
    trigger: options["trigger"] as (typeof TRIGGERS)[number],
    ...(components === undefined ? {} : { components }),
    tags: (options["tag"] as readonly string[] | undefined) ?? [],
    wait,
    signal: io.signal,
    onBegin: (id) => progress.begin(id),
    onProgress: (state) => {
      watchHeap(state.expected);
      progress.update(state);
    },
  });
  progress[Symbol.dispose]();
  const result = backupResult(outcome);
  io.document(result);
  return printResult(io, result, monotonicNow() - started);
};

/** The id alone on stdout, so that a script can take it; everything else is a remark. */
export function printResult(io: Io, result: BackupResult, millis: number): ExitCode {
  io.print(result.id);
  for (const line of result.warnings) io.remark(`${io.paint.yellow("warning")} ${line}`);
  for (const { name, reason } of result.not_captured) io.remark(`${io.paint.red("not captured")} ${name}: ${reason}`);
  for (const line of result.alarms) io.remark(`${io.paint.red("ALARM")} ${line}`);
  const amounts = `${formatBytes(result.size_bytes)} read, ${formatBytes(result.stored_bytes)} stored, ${formatDuration(millis)}`;
  io.remark(result.status === "complete" ? `${io.paint.green("complete")}: ${amounts}` : `${io.paint.red("partial")}: ${amounts}`);
  return result.status === "complete" && result.alarms.length === 0 ? 0 : 3;
}
