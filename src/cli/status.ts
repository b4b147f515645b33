import { resolve } from "node:path";
import type { Command } from "commander";
import type { ComponentStatus, Status, TaskStatus } from "../operations/index.ts";
import { makeCommand, type Runner } from "./command.ts";
import type { Io } from "./io.ts";
import { printable, table } from "./table.ts";

/** One screen: more lines about the vault than this are summed up. */
const SHOWN = 8;

export function statusCommand(runner: Runner): Command {
  const about = {
    summary: "one screen: what is safe, and what is not; exits 4 when a critical component is not, or any where none is critical",
    examples: [
      "status",
      "status --json",
      "status --quiet > report || mail-the-operator report",
      "status --quiet --metrics-file /var/lib/prometheus/node-exporter/holdfast.prom",
    ],
  };
  return makeCommand("status", about, runner, async ({ io, instance, options }) => {
    const { deciding, status } = await import("../operations/index.ts");
    const opened = await instance();
    const report = await status(opened);
    if (options["metricsFile"] !== undefined) {
      const { writeMetrics } = await import("../operations/index.ts");
      await writeMetrics(opened, report, resolve(io.cwd, String(options["metricsFile"])));
    }
    io.document({ schema: "holdfast.status/1", ...report });
    io.print(`${io.paint.bold(report.instance)}: ${report.backups === 1 ? "1 backup" : `${report.backups} backups`} in ${report.vault}`);
    io.print();
    io.print(
      table(
        ["COMPONENT", "IMPORTANCE", "CAPTURED", "VERIFIED", "STATE"],
        report.components.map((component) => cellsOf(component)),
      ),
    );
    if (report.tasks.length > 0) {
      io.print();
      printTasks(io, report.tasks);
    }
    if (report.lease !== null) {
      const { owner, pid, since, doing } = report.lease;
      io.print(
        `\nlease: held by ${printable(owner ?? "somebody")}, pid ${pid ?? "unknown"}, since ${since ?? "unknown"}${doing === null ? "" : `: ${printable(doing)}`}`,
      );
    }
    if (report.restore !== null)
      io.print(
        `\n${io.paint.red("a restore has not ended")}: of ${report.restore.backup}, since ${report.restore.since}; when none is running: holdfast restore --settle`,
      );
    if (report.failedRun !== null)
      io.print(`\n${io.paint.red("the newest run failed")} ${report.failedRun.at}: ${report.failedRun.message}`);
    for (const line of report.problems.slice(0, SHOWN)) io.print(`${io.paint.yellow("vault")} ${line}`);
    if (report.problems.length > SHOWN) io.print(`… and ${report.problems.length - SHOWN} more in the vault (--json lists all)`);
    io.print(`\n${verdictOf(io, report, deciding(report.components))}`);
    return report.safe ? 0 : 4;
  }).option("--metrics-file <file>", "write what GET /metrics of the daemon says to a file, for a collector of text files (*.prom)");
}

/** @param decisive components by which it is judged */
function verdictOf({ paint }: Io, { safe, components }: Status, decisive: readonly ComponentStatus[]): string {
  const unsafe = components.filter((component) => !component.safe).map(({ name }) => printable(name));
  if (!safe) return `${paint.red("NOT SAFE")}${unsafe.length === 0 ? "" : `: ${unsafe.join(", ")}`}`;
  const all = decisive.every(({ importance }) => importance === "critical") ? "critical component" : "component";
  const others = unsafe.length === 0 ? "" : `; ${paint.yellow("not so")}: ${unsafe.join(", ")}`;
  return `${paint.green("Safe")}: every ${all} has a good newest backup${others}`;
}

/** What waits or fails is named; of the rest only when it is due next. */
function printTasks(io: Io, tasks: readonly TaskStatus[]): void {
  for (const { name, deferral, failures, reason } of tasks) {
    if (deferral !== null) {
      const word = deferral.starving ? io.paint.red("starving") : io.paint.yellow("waiting");
      io.print(`task ${printable(name)}: ${word} since ${deferral.deferredSince}: ${printable(deferral.reason)}`);
    } else if (failures > 0) {
      io.print(`task ${printable(name)}: ${io.paint.red("failing")}, ${failures} in a row: ${printable(reason ?? "no reason was given")}`);
    }
  }
  const next = tasks.flatMap(({ name, state, nextDueAt }) =>
    state === "running" ? [`${name} runs`] : nextDueAt === null ? [] : [`${name} ${nextDueAt.replace(/\.\d+Z$/, "Z")}`],
  );
  if (next.length > 0) io.print(`next: ${next.map(printable).join(", ")}`);
}

function cellsOf({ name, importance, capturedAt, verifiedAt, safe, problem }: ComponentStatus): string[] {
  return [
    name,
    importance ?? "-",
    capturedAt ?? "never",
    verifiedAt?.replace(/\.\d+Z$/, "Z") ?? "never",
    safe ? "good" : (problem ?? "not safe"),
  ];
}
