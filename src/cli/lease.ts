import { Command } from "commander";
import { formatDuration, UsageError } from "../kernel/index.ts";
import type { LeaseView } from "../operations/index.ts";
import { makeCommand, type Action, type Runner } from "./command.ts";
import { confirm } from "./confirm.ts";
import type { Io } from "./io.ts";
import { printable } from "./table.ts";
import { waitOf, waitOption } from "./wait-option.ts";

export function leaseCommand(runner: Runner): Command {
  const group = new Command("lease")
    .summary("the right to do heavy work: who has it, and how scripts ask for it")
    .description("One process at a time may do heavy work: a backup, a restore, a summary, a sync. Any script can ask for the same right");
  for (const command of [statusCommand(runner), runCommand(runner), breakCommand(runner), repairCommand(runner)]) group.addCommand(command);
  return group;
}

function statusCommand(runner: Runner): Command {
  const about = {
    summary: "who holds the lease, since when, doing what, how far, and who waits",
    examples: ["lease status", "lease status --json"],
  };
  return makeCommand("status", about, runner, async ({ io, instance }) => {
    const { reportLease } = await import("../operations/index.ts");
    const report = await reportLease(await instance());
    io.document({ schema: "holdfast.lease/1", ...report });
    printView(io, report.lease);
    for (const { owner, pid, since } of report.waiters)
      io.print(`  waits   ${printable(owner)}, pid ${pid}, for ${formatDuration(ageOf(since))}`);
    for (const { task, deferredSince, count, starving, reason } of report.deferred)
      io.print(
        `  waits   task ${printable(task)}, for ${formatDuration(ageOf(deferredSince))}, deferred ${count === 1 ? "once" : `${count} times`}: ${printable(reason)}${starving ? io.paint.red(" STARVING") : ""}`,
      );
    return 0;
  });
}

function printView(io: Io, view: LeaseView | null): void {
  if (view === null) return io.print("The lease is free: nobody ever held it");
  if (view.state === "free") {
    io.print(`${io.paint.green("free")}, generation ${view.generation}`);
  } else {
    const state = view.state === "draining" ? "released, and held by what its holder started" : "held";
    io.print(`${io.paint.yellow(state)}, generation ${view.generation}`);
    io.print(`  owner   ${printable(view.owner ?? "unknown")}, pid ${view.pid ?? "unknown"} on ${view.host ?? "unknown"}`);
    if (view.since !== null) io.print(`  since   ${view.since} (${formatDuration(ageOf(view.since))})`);
    if (view.reason !== null) io.print(`  reason  ${printable(view.reason)}`);
    io.print(`  doing   ${printable(doingText(view))}`);
    if (view.fence !== null) io.print(`  inside  ${printable(view.fence)}, which must not be cut off`);
    for (const one of view.alive) io.print(`  alive   pid ${one.pid}, ${one.role}${one.label === null ? "" : `: ${printable(one.label)}`}`);
    if (view.yieldRequestedBy !== null) io.print(`  asked   to make room, by ${printable(view.yieldRequestedBy)}`);
  }
  if (view.reservedFor !== null) io.print(`  kept    for ${printable(view.reservedFor)}, which has waited too long`);
}

function doingText({ doing, progress, progressAt }: LeaseView): string {
  if (doing === null || progressAt === null) return "it does not say";
  const how = progress === null ? "" : `, ${Math.round(progress * 100)} %`;
  return `${doing}${how} (said ${formatDuration(ageOf(progressAt))} ago)`;
}

function ageOf(instant: string): number {
  return Math.max(0, Date.now() - Date.parse(instant));
}

function runCommand(runner: Runner): Command {
  const about = {
    summary: "run any program under the lease; exits with its code, or with 5 when somebody else holds the lease",
    examples: [
      "lease run --owner nightly-sync -- ./sync.sh --all",
      "lease run --owner reindex --wait 10m -- node reindex.js",
      "lease run --owner dream -- ./dream.sh || [ $? -eq 5 ]   # deferred is no failure",
    ],
  };
  return makeCommand("run", about, runner, runIt)
    .argument("<command...>", "program and arguments, after --")
    .requiredOption("--owner <name>", "who asks, as others see it")
    .addOption(waitOption());
}

const runIt: Action = async ({ io, instance, args, options, takeSignals }) => {
  const owner = String(options["owner"]);
  if (!/^[\w][\w .:/@-]{0,99}$/u.test(owner))
    throw new UsageError("USAGE", `Not a name for an owner: ${JSON.stringify(owner)}`, {
      hint: "Up to 100 letters, digits, spaces and . : / @ _ -",
    });
  const wait = waitOf(options);
  const { describeHeld, runUnderLease } = await import("../operations/index.ts");
  const argv = args[0] as readonly string[];
  const run = await runUnderLease(await instance(), {
    owner,
    argv,
    cwd: io.cwd,
    wait,
    interactive: process.stdin.isTTY,
    signal: io.signal,
    onWaiting: (held) => io.remark(`Waiting: ${describeHeld(held)}`),
    onStart: takeSignals,
  });
  if (run.foreignToken) process.stderr.write("holdfast: the lease of HOLDFAST_LEASE has ended, so that one of its own was asked for\n");
  if (run.outcome === "ran") return run.exitCode;
  const { held } = run;
  io.document({
    schema: "holdfast.lease-run/1",
    outcome: "deferred",
    reasonCode: "heavy-maintenance-lease-held",
    owner,
    holdingOwner: held.holder?.owner ?? null,
    holdingPid: held.holder?.pid ?? null,
    since: held.holder?.since ?? null,
    reservedFor: held.reservedFor,
    contended: held.contended,
  });
  if (!io.json) process.stderr.write(`holdfast: deferred ${printable(owner)}: ${printable(describeHeld(held))}\n`);
  return 5;
};

function breakCommand(runner: Runner): Command {
  const about = {
    summary: "take the lease from a holder that hangs; what it started goes on, unless --kill ends it",
    examples: ["lease status", "lease break", "lease break --kill --yes"],
  };
  return makeCommand("break", about, runner, async ({ io, instance, options }) => {
    const { breakLease, reportLease } = await import("../operations/index.ts");
    const opened = await instance();
    const { lease: before } = await reportLease(opened);
    printView(io, before);
    if (before === null || (before.state === "free" && before.reservedFor === null)) {
      io.document({ schema: "holdfast.lease-break/1", outcome: "missing", before: null, survivors: [], unreserved: null, killed: [] });
      io.print("Nobody holds it: nothing to break");
      return 0;
    }
    const from = before.state === "free" ? `${before.reservedFor}, which it is kept for` : (before.owner ?? "its holder");
    await confirm(io, `Take the lease from ${from}?`, options["yes"] === true);
    const report = await breakLease(opened, { kill: options["kill"] === true });
    io.document({ schema: "holdfast.lease-break/1", ...report });
    if (report.unreserved !== null)
      io.print(`It is kept for ${printable(report.unreserved)} no more: ${io.paint.green("the next one who asks gets it")}`);
    else
      io.print(report.outcome === "missing" ? "It was released meanwhile" : `${io.paint.green("broken")}: the next one who asks gets it`);
    const left = report.survivors.filter(({ pid }) => !report.killed.includes(pid));
    if (left.length > 0)
      io.print(
        `Still running, and fenced from nothing but Holdfast's own steps: ${left.map(({ pid, label }) => `pid ${pid}${label === null ? "" : ` (${printable(label)})`}`).join(", ")}`,
      );
    if (report.killed.length > 0) io.print(`Ended: pid ${report.killed.join(", ")}`);
    return 0;
  })
    .option("--kill", "end what its holder started, or the holder when it started nothing: TERM, after five seconds KILL")
    .option("-y, --yes", "do not ask");
}

function repairCommand(runner: Runner): Command {
  const about = {
    summary: "make the store of the lease anew when it was removed, cannot be read, or is an older copy",
    examples: ["lease repair"],
  };
  return makeCommand("repair", about, runner, async ({ io, instance }) => {
    const { repairLease } = await import("../operations/index.ts");
    const outcome = await repairLease(await instance());
    io.document({ schema: "holdfast.lease-repair/1", outcome });
    io.print(
      outcome === "sound" ? "The store is sound: nothing was changed" : `${io.paint.green("repaired")}: what was there is kept beside it`,
    );
    return 0;
  });
}
