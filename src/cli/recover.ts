import { Option, type Command } from "commander";
import { formatBytes, systemClock, UsageError } from "../kernel/index.ts";
import type { InPlaceReport, Instance, Recovery } from "../operations/index.ts";
import { collect, makeCommand, type CommandContext, type ExitCode, type Runner } from "./command.ts";
import { confirm } from "./confirm.ts";
import { addKeyOptions, givenSecrets } from "./key-options.ts";
import { startProgress } from "./progress.ts";
import { printKeyWanted, printRecovery, recoveryDocument } from "./recovery.ts";
import { printPlan } from "./restore-plan.ts";
import { printable } from "./table.ts";
import { keepHeapSmall } from "./keep-heap-small.ts";

export function recoverCommand(runner: Runner): Command {
  const about = {
    summary: "a new machine: the configuration and everything else, back out of a vault alone",
    examples: [
      "recover /mnt/usb/agent --dry-run",
      "recover /mnt/usb/agent --yes",
      "recover /mnt/usb/agent --recovery-code-file -",
      "recover /mnt/usb/agent --to /srv/agent --map /home/old/agent=/srv/agent",
      "recover /mnt/usb/agent --config-only --to /tmp/look",
    ],
  };
  const command = makeCommand("recover", about, runner, recover)
    .argument("<vault>", "folder of the vault")
    .option("--to <folder>", "where holdfast.yaml goes, and with it all that it names by a relative path; its recorded place unless given")
    .option("--map <old=new>", "what lay below OLD goes below NEW: absolute paths in the configuration are changed (repeatable)", collect)
    .option("--config-only", "write the configuration, and restore nothing")
    .addOption(new Option("--owner <who>", "whose the files become").choices(["recorded", "current"]).default("recorded"))
    .option("--dry-run", "read back what would be restored, show the plan, and stop")
    .option("-y, --yes", "do not ask")
    .addHelpText(
      "after",
      "\nThe runtime is neither stopped nor started: start it when you have looked.\nWhat is live already is kept in a safety backup before it is replaced.\nAn encrypted vault opens with a key file, a passphrase or the recovery code; on a terminal the code is asked for.",
    );
  return addKeyOptions(command, "open the vault");
}

/** What is said and would do nothing is a misunderstanding. */
function refuseIdle(options: CommandContext["options"]): void {
  const idle =
    options["config"] !== undefined ? "--config" : options["configOnly"] === true && options["owner"] !== "recorded" ? "--owner" : null;
  if (idle === null) return;
  throw new UsageError("USAGE", `${idle} has no effect here`, {
    hint:
      idle === "--config" ? "The configuration comes out of the vault; --to says where it goes" : "With --config-only nothing is restored",
  });
}

/** Components that come from one backup. */
interface Group {
  readonly backup: string;
  readonly components: readonly string[];
}

async function recover(context: CommandContext): Promise<ExitCode> {
  const { io, args, options } = context;
  const { planInPlace, planRecovery, readPathMaps, restoreInPlace, writeRecovered } = await import("../operations/index.ts");
  const { instanceOf } = await import("../app/index.ts");
  refuseIdle(options);
  const configOnly = options["configOnly"] === true;
  const dryRun = options["dryRun"] === true;
  const maps = readPathMaps((options["map"] as readonly string[] | undefined) ?? []);
  keepHeapSmall();
  using progress = startProgress(io);
  let bytes = 0;
  const recovery = await planRecovery({
    vault: String(args[0]),
    maps,
    keys: { ...givenSecrets(context), mayAsk: io.interactive },
    configOnly,
    cwd: io.cwd,
    env: io.env,
    clock: systemClock,
    signal: io.signal,
    onBytes: (more) => progress.update({ phase: "read back", component: null, bytes: (bytes += more), expected: null }),
    ...(typeof options["to"] === "string" ? { to: options["to"] } : {}),
  });
  progress[Symbol.dispose]();
  printRecovery(io, recovery);
  const instance = { ...instanceOf(recovery.config, { env: io.env, onRemark: io.remark }), openVault: recovery.openVault };
  const groups = groupsOf(recovery);
  const chosen = { owner: options["owner"] as "recorded" | "current", noRestart: true, signal: io.signal };
  const plans: Awaited<ReturnType<typeof planInPlace>>[] = [];
  // A pointer into a document of an earlier group cannot be followed before that one is in place.
  for (const { backup, components } of groups.slice(0, 1)) plans.push(await planInPlace(instance, backup, { ...chosen, components }));
  if (dryRun || io.interactive)
    for (const { head, plan } of plans) {
      io.print(`\nRestoring ${head.id} would`);
      printPlan(io, plan);
    }
  if (dryRun) {
    printKeyWanted(io, recovery);
    io.document({ ...recoveryDocument(recovery), dry_run: true, written: false, plans: plans.map(({ plan }) => plan), restored: [] });
    return exitCode(recovery);
  }
  if (groups.length > 0) await confirm(io, `Put ${counted(groups)} in place on this machine?`, options["yes"] as boolean | undefined);
  const written = writeRecovered(recovery);
  io.print(written ? `Wrote ${recovery.file}` : `${recovery.file} is there already and says the same`);
  const reports: InPlaceReport[] = [];
  for (const { backup, components } of groups) {
    bytes = 0;
    using restoring = startProgress(io);
    reports.push(
      await restoreInPlace(instance, backup, {
        ...chosen,
        components,
        onBytes: (more) => restoring.update({ phase: "restore", component: null, bytes: (bytes += more), expected: null }),
      }),
    );
  }
  io.document({ ...recoveryDocument(recovery), dry_run: false, written, plans: [], restored: reports.map(restoredDocument) });
  printReports(io, reports);
  printNext(io, instance, recovery, configOnly);
  return exitCode(recovery);
}

/** The one with the most components first, which is the one that holds the documents that pointers go into. */
function groupsOf({ components, config }: Recovery): readonly Group[] {
  const groups = new Map<string, string[]>();
  for (const { component, backup } of components) {
    if (backup === null) continue;
    const names = groups.get(backup);
    if (names === undefined) groups.set(backup, [component]);
    else names.push(component);
  }
  const documents = new Set(config.components.flatMap(({ path }) => (path !== null && "from" in path ? [path.from] : [])));
  const holds = ({ components: names }: Group): boolean =>
    config.components.some(({ name, path }) => names.includes(name) && path !== null && "literal" in path && documents.has(path.literal));
  return [...groups]
    .map(([backup, names]) => ({ backup, components: names }))
    .toSorted((a, b) => Number(holds(b)) - Number(holds(a)) || b.components.length - a.components.length);
}

function counted(groups: readonly Group[]): string {
  const count = groups.reduce((sum, { components }) => sum + components.length, 0);
  return count === 1 ? "1 component" : `${count} components`;
}

/** 3 when something that the configuration names did not come back. */
function exitCode({ components }: Recovery): ExitCode {
  return components.some(({ backup }) => backup === null) ? 3 : 0;
}

function restoredDocument({ head, id, safety, checks, warnings, bytes, plan }: InPlaceReport): Record<string, unknown> {
  const targets = plan.components.map(({ component, target }) => ({ component, target }));
  return { id: head.id, restore: id, safety, checks, warnings, bytes, components: targets };
}

function printReports(io: CommandContext["io"], reports: readonly InPlaceReport[]): void {
  for (const { head, plan, checks, warnings, safety, bytes } of reports) {
    io.print(`Restored ${head.id} (${formatBytes(bytes)}, each content compared with its hash)`);
    for (const { component, target } of plan.components) io.print(`  ${component.padEnd(16)} ${printable(target)}`);
    for (const { name, complaint, damaged } of checks)
      io.print(
        `  ${printable(name)}: ${complaint === null ? io.paint.green("checked, sound") : (damaged ? io.paint.red : io.paint.yellow)(printable(complaint))}`,
      );
    for (const warning of warnings) io.remark(`warning: ${warning}`);
    if (safety !== null) io.print(`What was there before is backup ${safety}, and lies beside it for seven days`);
  }
}

function printNext(io: CommandContext["io"], { config }: Instance, recovery: Recovery, configOnly: boolean): void {
  const { uid, user } = recovery.account;
  if (uid !== process.getuid?.())
    io.remark(
      `warning: the configuration belonged to ${user === null ? "user" : `"${user}",`} ${uid}, and is this account's now; when that one is to run Holdfast: chown ${uid} ${config.file} and ${config.stateDir}`,
    );
  const at = `--config ${config.file}`;
  printKeyWanted(io, recovery);
  io.print("\nNext:");
  if (configOnly) io.print(`  holdfast ${at} restore latest:verified --dry-run   what a restore would do`);
  io.print(`  holdfast ${at} doctor    whether this machine has what the configuration names`);
  if (!configOnly && config.runtime !== null) io.print(`  ${config.runtime.start.join(" ")}    start the runtime`);
  io.print(`  holdfast ${at} backup    the first backup of this machine`);
}
