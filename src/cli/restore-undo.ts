import { UsageError } from "../kernel/index.ts";
import type { CommandContext, ExitCode } from "./command.ts";
import { confirm } from "./confirm.ts";
import { startProgress } from "./progress.ts";
import { printable } from "./table.ts";
import { waitOf } from "./wait-option.ts";

/** `holdfast restore --undo [ID]` */
export async function undo({ io, instance, args, options }: CommandContext): Promise<ExitCode> {
  const { findUndo, undoRestore } = await import("../operations/index.ts");
  const opened = await instance();
  const named = typeof options["undo"] === "string" ? options["undo"] : args[0];
  const reference = typeof named === "string" ? named : undefined;
  const kept = await findUndo(opened, reference);
  const components = [...new Set([...kept.moves, ...kept.others].map(({ component }) => component))];
  await confirm(
    io,
    `Put back ${components.join(", ")} as before the restore of ${kept.backup} (${kept.ended_at})? What was written since is laid aside`,
    options["yes"] === true,
  );
  using progress = startProgress(io);
  const report = await undoRestore(opened, kept.id, {
    force: options["force"] === true,
    noRestart: options["restart"] === false,
    wait: waitOf(options),
    signal: io.signal,
    onPhase: (phase) => progress.update({ phase, component: null, bytes: 0, expected: null }),
  });
  progress[Symbol.dispose]();
  io.document({
    schema: "holdfast.restore-undone/1",
    id: kept.backup,
    restore: kept.id,
    undo: report.id,
    components,
    health: report.health,
    warnings: report.warnings,
  });
  io.print(`Undid the restore of ${kept.backup}: ${components.map(printable).join(", ")} as before`);
  io.print(io.paint.dim("What the restore had put there, with what was written since, lies beside it for seven days"));
  for (const warning of report.warnings) io.remark(`warning: ${warning}`);
  return 0;
}

/** `holdfast restore --settle [old|new]`: what the unit that is ordered before the runtime calls. */
export async function settleByHand({ io, instance, options }: CommandContext): Promise<ExitCode> {
  const side = options["settle"];
  if (side !== true && side !== "old" && side !== "new")
    throw new UsageError("USAGE", `--settle takes old, new, or nothing, and not ${JSON.stringify(side)}`, {
      hint: "Without a side it ends by itself where it can",
    });
  const { pendingRestore, runningRestore, settleRestore } = await import("../operations/index.ts");
  const opened = await instance();
  // The unit is started with the runtime, and so also by a restore that starts the runtime: that one was not cut off.
  if (side === true && pendingRestore(opened) !== null && (await runningRestore(opened))?.startsRuntime === true) {
    io.document({ schema: "holdfast.restore-settled/1", settled: null, running: true });
    io.print("A restore is running, and lets the runtime start: nothing to settle");
    return 0;
  }
  const settled = await settleRestore(opened, side === true ? {} : { choice: side });
  io.document({ schema: "holdfast.restore-settled/1", settled, running: false });
  if (settled === null) io.print("No restore was cut off: nothing to settle");
  else {
    io.print(`Settled: ${settled.outcome === "old" ? "everything is as before the restore" : "everything is as the backup says"}`);
    for (const path of settled.touched) io.print(`  written since: ${printable(path)}; both sets are kept beside it`);
  }
  return 0;
}
