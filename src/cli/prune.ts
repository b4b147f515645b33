import type { Command } from "commander";
import { formatBytes, widenThreadPool } from "../kernel/index.ts";
import type { PruneReport } from "../operations/index.ts";
import { makeCommand, type Runner } from "./command.ts";
import type { Io } from "./io.ts";
import { keepHeapSmall } from "./keep-heap-small.ts";
import { table } from "./table.ts";
import { waitOf, waitOption } from "./wait-option.ts";

export function pruneCommand(runner: Runner): Command {
  const about = {
    summary: "apply the retention policy, with the reason for each backup kept and removed",
    examples: ["prune --dry-run", "prune", "backup undelete 2026-03-15T14-30-00_scheduled"],
  };
  return makeCommand("prune", about, runner, async ({ io, instance, options }) => {
    const { describeDecision, prune } = await import("../operations/index.ts");
    const dryRun = options["dryRun"] === true;
    widenThreadPool();
    const opened = await instance();
    keepHeapSmall();
    const report = await prune(opened, { dryRun, wait: waitOf(options), signal: io.signal });
    io.document({ schema: "holdfast.prune/1", dry_run: dryRun, ...report });
    print(io, report, dryRun, describeDecision);
    return 0;
  })
    .addOption(waitOption())
    .option("--dry-run", "show what would stay and what would go, and why")
    .addHelpText("after", "\nWhat is removed lies in the trash until the next prune: holdfast backup undelete ID brings it back.");
}

function print(
  io: Io,
  { decisions, removed, freed, swept, standsDown, notes }: PruneReport,
  dryRun: boolean,
  describe: (decision: PruneReport["decisions"][number]) => string,
): void {
  if (decisions.length === 0) io.print("There is no backup yet");
  else
    io.print(
      table(
        ["ID", "", "WHY"],
        decisions.map((decision) => [decision.id, decision.keep ? "keep" : "remove", describe(decision)]),
      ),
    );
  if (standsDown !== null) io.print(`${io.paint.yellow("Nothing was removed")}: ${standsDown}`);
  else if (dryRun)
    io.print(
      removed.length === 0
        ? "Nothing would be removed"
        : `${counted(removed.length)} would be removed${freed === null ? "" : `, which would free ${formatBytes(freed)}`}; nothing was`,
    );
  else
    io.print(
      removed.length === 0
        ? "Nothing was removed"
        : `${counted(removed.length)} moved to the trash, where the next prune finds them${freed === null ? "" : ` and frees ${formatBytes(freed)}`}`,
    );
  if (swept.length > 0)
    io.print(`${counted(swept.length)} of the trash gone for good: ${swept.slice(0, 10).join(", ")}${swept.length > 10 ? ", …" : ""}`);
  for (const note of notes) io.remark(note);
}

const counted = (count: number): string => (count === 1 ? "1 backup" : `${count} backups`);
