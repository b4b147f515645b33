import type { Command } from "commander";
import type { ComponentStatus } from "../operations/index.ts";
import { makeCommand, type Runner } from "./command.ts";
import { table } from "./table.ts";

/** One screen: more lines about the vault than this are summed up. */
const SHOWN = 8;

export function statusCommand(runner: Runner): Command {
  const about = {
    summary: "one screen: what is safe, and what is not; exits 4 when a critical component is not",
    examples: ["status", "status --json", "status --quiet > report || mail-the-operator report"],
  };
  return makeCommand("status", about, runner, async ({ io, instance }) => {
    const { status } = await import("../operations/index.ts");
    const report = await status(await instance());
    io.document({ schema: "holdfast.status/1", ...report });
    io.print(`${io.paint.bold(report.instance)}: ${report.backups === 1 ? "1 backup" : `${report.backups} backups`} in ${report.vault}`);
    io.print();
    io.print(
      table(
        ["COMPONENT", "IMPORTANCE", "CAPTURED", "VERIFIED", "STATE"],
        report.components.map((component) => cellsOf(component)),
      ),
    );
    if (report.restore !== null)
      io.print(
        `\n${io.paint.red("a restore has not ended")}: of ${report.restore.backup}, since ${report.restore.since}; when none is running: holdfast restore --settle`,
      );
    if (report.failedRun !== null)
      io.print(`\n${io.paint.red("the newest run failed")} ${report.failedRun.at}: ${report.failedRun.message}`);
    for (const line of report.problems.slice(0, SHOWN)) io.print(`${io.paint.yellow("vault")} ${line}`);
    if (report.problems.length > SHOWN) io.print(`… and ${report.problems.length - SHOWN} more in the vault (--json lists all)`);
    for (const line of report.notices) io.remark(line);
    io.print(
      report.safe ? `\n${io.paint.green("Safe")}: every critical component has a good newest backup` : `\n${io.paint.red("NOT SAFE")}`,
    );
    return report.safe ? 0 : 4;
  });
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
