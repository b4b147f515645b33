import { Command, Option } from "commander";
import { VERSION } from "../kernel/index.ts";
import { backupCommand } from "./backup.ts";
import type { Runner } from "./command.ts";
import { completionCommand } from "./completion.ts";
import { bundleCommand } from "./bundle.ts";
import { migrateCommand } from "./migrate.ts";
import { daemonCommand, runCommand } from "./daemon.ts";
import { taskCommand } from "./task.ts";
import { keyCommand } from "./key.ts";
import { leaseCommand } from "./lease.ts";
import { diffCommand } from "./diff.ts";
import { doctorCommand } from "./doctor.ts";
import { initCommand } from "./init.ts";
import { catCommand, findCommand, lsCommand } from "./look.ts";
import { notifyCommand } from "./notify.ts";
import { notBuiltYet } from "./not-built-yet.ts";
import { protectCommand } from "./protect.ts";
import { recoverCommand } from "./recover.ts";
import { restoreCommand } from "./restore.ts";
import { statusCommand } from "./status.ts";
import { exportCommand, importCommand } from "./transfer.ts";
import { vaultCommand } from "./vault.ts";
import { pruneCommand } from "./prune.ts";
import { verifyCommand } from "./verify.ts";

/** By name, in the order in which they are listed. */
const COMMANDS: Readonly<Record<string, (runner: Runner) => Command>> = {
  protect: protectCommand,
  init: initCommand,
  backup: backupCommand,
  restore: restoreCommand,
  recover: recoverCommand,
  ls: lsCommand,
  cat: catCommand,
  diff: diffCommand,
  find: findCommand,
  verify: verifyCommand,
  prune: pruneCommand,
  export: exportCommand,
  import: importCommand,
  status: statusCommand,
  doctor: doctorCommand,
  bundle: bundleCommand,
  daemon: daemonCommand,
  run: runCommand,
  migrate: migrateCommand,
  task: taskCommand,
  lease: leaseCommand,
  notify: notifyCommand,
  vault: vaultCommand,
  key: keyCommand,
  completion: (runner) => completionCommand(runner, () => buildProgram(runner)),
};

/**
 * The command line; running it needs a runner, describing it (reference, completion) does not.
 *
 * @param only the one command that was named, when it is there: to make the others takes longer than many a command
 */
export function buildProgram(runner: Runner, only?: string): Command {
  const program = new Command("holdfast")
    .description("Consistent, proven backups for the state of AI-agent orchestrators")
    .version(VERSION, "-V, --version", "print the version")
    .option("-c, --config <file>", "configuration file (default: HOLDFAST_CONFIG, else holdfast.yaml upward from here)")
    .option("--json", "print one JSON document and nothing else")
    .option("-q, --quiet", "print results only")
    .addOption(new Option("--progress", "progress as JSON Lines before the document").hideHelp())
    .showSuggestionAfterError(true)
    .helpCommand(true)
    .enablePositionalOptions(false);
  program.addHelpText(
    "after",
    `
Start here:
  $ holdfast protect            detect, back up, verify and prove what is in this folder
  $ holdfast status             what is safe, and what is not

Exit codes: 0 ok, 1 failed, 2 usage or configuration, 3 partial, 4 damage, 5 deferred, 130 interrupted`,
  );
  const named = only === undefined || !Object.hasOwn(COMMANDS, only) ? undefined : COMMANDS[only];
  for (const make of named === undefined ? Object.values(COMMANDS) : [named]) program.addCommand(make(runner));
  for (const command of notBuiltYet()) program.addCommand(command, { hidden: true });
  return program;
}
