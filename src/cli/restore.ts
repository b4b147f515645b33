import { resolve } from "node:path";
import { Option, type Command } from "commander";
import { formatBytes, UsageError } from "../kernel/index.ts";
import type { InPlaceOptions } from "../operations/index.ts";
import { collect, makeCommand, type CommandContext, type ExitCode, type Runner } from "./command.ts";
import { confirm } from "./confirm.ts";
import { startProgress } from "./progress.ts";
import { printPlan } from "./restore-plan.ts";
import { settleByHand, undo } from "./restore-undo.ts";
import { printable } from "./table.ts";
import { keepYoungGenerationSmall } from "./young-generation.ts";

/** What only makes sense where something live is replaced. */
const IN_PLACE_ONLY = ["dryRun", "restart", "online", "inPlace", "force", "safety"] as const;

export function restoreCommand(runner: Runner): Command {
  const about = {
    summary: "put a backup in place, or into another folder; undo the last restore",
    examples: [
      "restore latest:verified --dry-run",
      "restore latest:verified",
      "restore latest --component persistence --yes",
      "restore latest --path 'memory/notes/*.md'",
      "restore latest --to /tmp/restored",
      "restore --undo",
    ],
  };
  const command = makeCommand("restore", about, runner, async (context) => {
    const { options } = context;
    if (options["settle"] !== undefined) return await settleByHand(context);
    if (options["undo"] !== undefined) return await undo(context);
    const [reference] = context.args;
    if (typeof reference !== "string")
      throw new UsageError("USAGE", "Name the backup to restore", { hint: "For example: holdfast restore latest:verified --dry-run" });
    return typeof options["to"] === "string" ? await toFolder(context, reference, options["to"]) : await inPlace(context, reference);
  });
  return command
    .argument("[id]", "id, unique prefix, latest, or latest:verified")
    .option("--to <folder>", "into this folder, which is empty or does not exist; nothing live is touched")
    .option("--component <name>", "only this component (repeatable)", collect)
    .option("--path <glob>", "only what matches, over component/path; nothing is taken away then (repeatable)", collect)
    .addOption(new Option("--owner <who>", "whose the files become").choices(["recorded", "current"]).default("recorded"))
    .option("--dry-run", "show the plan, and stop")
    .option("--no-restart", "the runtime is stopped already: neither stop nor start it")
    .option("--online", "write databases into files that are in use, through SQLite's backup API")
    .option("--in-place", "write over the content of files that are mount points")
    .option("--no-safety", "take no backup of what is there now")
    .option("--force", "go over what the plan refuses and marks so; each is named in the result")
    .option("--undo [id]", "put back what the last restore, or this one, replaced")
    .option("--settle [side]", "end a restore that was cut off; `old` or `new` when the runtime has written since")
    .option("-y, --yes", "do not ask");
}

async function inPlace({ io, instance, options }: CommandContext, reference: string): Promise<ExitCode> {
  const { planInPlace, restoreInPlace } = await import("../operations/index.ts");
  const opened = await instance();
  keepYoungGenerationSmall();
  const chosen: InPlaceOptions = {
    owner: options["owner"] as "recorded" | "current",
    force: options["force"] === true,
    noSafety: options["safety"] === false,
    noRestart: options["restart"] === false,
    inPlace: options["inPlace"] === true,
    online: options["online"] === true,
    ...(options["component"] === undefined ? {} : { components: options["component"] as readonly string[] }),
    ...(options["path"] === undefined ? {} : { paths: options["path"] as readonly string[] }),
    signal: io.signal,
  };
  const asks = options["yes"] !== true && io.interactive;
  if (options["dryRun"] === true || asks) {
    const { head, plan } = await planInPlace(opened, reference, chosen);
    if (options["dryRun"] === true) io.document({ schema: "holdfast.restore-plan/1", id: head.id, ...plan });
    io.print(`Restoring ${head.id} would`);
    printPlan(io, plan);
    if (options["dryRun"] === true) return 0;
  }
  await confirm(io, `Replace the live state by backup ${reference}?`, options["yes"] === true);
  using progress = startProgress(io);
  let phase = "plan";
  let bytes = 0;
  const show = (): void => progress.update({ phase, component: null, bytes, expected: null });
  const report = await restoreInPlace(opened, reference, {
    ...chosen,
    onPhase: (next) => {
      phase = next;
      show();
    },
    onBytes: (more) => {
      bytes += more;
      show();
    },
  });
  progress[Symbol.dispose]();
  const { head, plan, safety, checks, warnings, health, runtime, id } = report;
  io.document({
    schema: "holdfast.restored-in-place/1",
    id: head.id,
    restore: id,
    safety,
    runtime,
    health,
    checks,
    warnings,
    bytes: report.bytes,
    plan,
  });
  io.print(`Restored ${head.id} in place (${formatBytes(report.bytes)}, each content compared with its hash)`);
  for (const { component, target } of plan.components) io.print(`  ${component.padEnd(16)} ${printable(target)}`);
  for (const { name, complaint, damaged } of checks)
    io.print(
      `  ${printable(name)}: ${complaint === null ? io.paint.green("checked, sound") : (damaged ? io.paint.red : io.paint.yellow)(printable(complaint))}`,
    );
  if (runtime === "stopped and started")
    io.print(
      health === null
        ? "The runtime was stopped and started; it has no health check"
        : io.paint.green("The runtime was stopped and started, and is healthy"),
    );
  for (const warning of warnings) io.remark(`warning: ${warning}`);
  io.print(safety === null ? "No safety backup was taken" : `What was there before is backup ${safety}, and lies beside it for seven days`);
  io.print(io.paint.dim("Put it back with: holdfast restore --undo"));
  return 0;
}

async function toFolder({ io, instance, options }: CommandContext, reference: string, to: string): Promise<ExitCode> {
  for (const name of IN_PLACE_ONLY) {
    const given = name === "restart" || name === "safety" ? options[name] === false : options[name] === true;
    if (given)
      throw new UsageError(
        "USAGE",
        "`--to` touches nothing live, and goes with none of --dry-run, --no-restart, --online, --in-place, --force, --no-safety",
      );
  }
  const { restore } = await import("../operations/index.ts");
  const opened = await instance();
  keepYoungGenerationSmall();
  using progress = startProgress(io);
  let bytes = 0;
  const { head, restored } = await restore(opened, reference, {
    to: resolve(io.cwd, to),
    owner: options["owner"] as "recorded" | "current",
    ...(options["component"] === undefined ? {} : { components: options["component"] as readonly string[] }),
    ...(options["path"] === undefined ? {} : { paths: options["path"] as readonly string[] }),
    signal: io.signal,
    onBytes: (more) => progress.update({ phase: "restore", component: null, bytes: (bytes += more), expected: null }),
  });
  progress[Symbol.dispose]();
  io.document({ schema: "holdfast.restored/1", id: head.id, ...restored });
  io.print(`Restored ${head.id} into ${restored.folder}`);
  io.print(`  ${restored.entries} entries, ${formatBytes(restored.bytes)}, each content compared with its hash`);
  for (const { path, complaint, damaged } of restored.databases) {
    io.print(
      `  ${printable(path)}: ${complaint === null ? io.paint.green("integrity_check ok") : (damaged ? io.paint.red : io.paint.yellow)(complaint)}`,
    );
  }
  return restored.databases.some(({ damaged }) => damaged) ? 4 : 0;
}
