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
import { waitOf, waitOption } from "./wait-option.ts";
import { keepHeapSmall } from "./keep-heap-small.ts";

/** Which way of calling it uses which option: in place, into a folder, undo, settle. */
const USED_BY: Readonly<Record<string, readonly ("place" | "to" | "undo" | "settle")[]>> = {
  to: ["to"],
  component: ["place", "to"],
  path: ["place", "to"],
  owner: ["place", "to"],
  dryRun: ["place"],
  restart: ["place", "undo"],
  online: ["place"],
  inPlace: ["place"],
  safety: ["place"],
  force: ["place", "undo"],
  undo: ["undo"],
  settle: ["settle"],
  wait: ["place", "undo"],
  yes: ["place", "to", "undo", "settle"],
};

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
    refuseMixtures(options, context.args[0]);
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
    .addOption(waitOption())
    .option("--force", "go over what the plan refuses and marks so; each is named in the result")
    .option("--undo [id]", "put back what the last restore, or this one, replaced")
    .option("--settle [side]", "end a restore that was cut off; `old` or `new` when the runtime has written since")
    .option("-y, --yes", "do not ask");
}

/** Options that one way of calling it does not use must not be taken as if it did. */
function refuseMixtures(options: Readonly<Record<string, unknown>>, reference: unknown): void {
  const given = Object.keys(USED_BY).filter((name) => {
    const value = options[name];
    return name === "restart" || name === "safety"
      ? value === false
      : name === "owner"
        ? value !== "recorded"
        : value !== undefined && value !== false;
  });
  const way = given.includes("settle") ? "settle" : given.includes("undo") ? "undo" : given.includes("to") ? "to" : "place";
  const wrong = given.find((name) => !(USED_BY[name] ?? []).includes(way));
  const spelled = (name: string): string =>
    `--${name === "restart" || name === "safety" ? "no-" : ""}${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  if (wrong !== undefined)
    throw new UsageError("USAGE", `${spelled(wrong)} has no effect ${way === "place" ? "here" : `with ${spelled(way)}`}`, {
      hint: way === "to" ? "A restore into another folder touches nothing live; nothing was changed" : "Leave it out; nothing was changed",
    });
  if (way === "settle" && reference !== undefined)
    throw new UsageError("USAGE", "--settle ends the restore that was cut off, whichever it was", {
      hint: "Name no backup; nothing was changed",
    });
  if (way === "undo" && reference !== undefined && typeof options["undo"] === "string")
    throw new UsageError("USAGE", "Two restores are named", { hint: "Name the one to undo once; nothing was changed" });
}

async function inPlace({ io, instance, options }: CommandContext, reference: string): Promise<ExitCode> {
  const { planInPlace, restoreInPlace } = await import("../operations/index.ts");
  const opened = await instance();
  keepHeapSmall();
  const chosen: InPlaceOptions = {
    owner: options["owner"] as "recorded" | "current",
    force: options["force"] === true,
    noSafety: options["safety"] === false,
    noRestart: options["restart"] === false,
    inPlace: options["inPlace"] === true,
    online: options["online"] === true,
    ...(options["component"] === undefined ? {} : { components: options["component"] as readonly string[] }),
    ...(options["path"] === undefined ? {} : { paths: options["path"] as readonly string[] }),
    wait: waitOf(options),
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
  const { restore } = await import("../operations/index.ts");
  const opened = await instance();
  keepHeapSmall();
  using progress = startProgress(io);
  let bytes = 0;
  const { head, restored, warnings } = await restore(opened, reference, {
    to: resolve(io.cwd, to),
    owner: options["owner"] as "recorded" | "current",
    ...(options["component"] === undefined ? {} : { components: options["component"] as readonly string[] }),
    ...(options["path"] === undefined ? {} : { paths: options["path"] as readonly string[] }),
    signal: io.signal,
    onBytes: (more) => progress.update({ phase: "restore", component: null, bytes: (bytes += more), expected: null }),
  });
  progress[Symbol.dispose]();
  io.document({ schema: "holdfast.restored/1", id: head.id, ...restored, warnings });
  for (const warning of warnings) io.remark(`warning: ${warning}`);
  io.print(`Restored ${head.id} into ${restored.folder}`);
  io.print(`  ${restored.entries} entries, ${formatBytes(restored.bytes)}, each content compared with its hash`);
  for (const { path, complaint, damaged } of restored.databases) {
    io.print(
      `  ${printable(path)}: ${complaint === null ? io.paint.green("integrity_check ok") : (damaged ? io.paint.red : io.paint.yellow)(complaint)}`,
    );
  }
  return restored.databases.some(({ damaged }) => damaged) ? 4 : 0;
}
