import type { Command } from "commander";
import { ConfigError, type HoldfastError } from "../kernel/index.ts";
import type { DoctorReport, Finding, Instance, Verdict } from "../operations/index.ts";
import { makeCommand, type CommandContext, type Runner } from "./command.ts";
import type { Io } from "./io.ts";
import { printable } from "./table.ts";

export function doctorCommand(runner: Runner): Command {
  const about = {
    summary: "look whether this host and set-up can take backups and restore them; exits 1 when not",
    examples: ["doctor", "doctor --quiet", "doctor --json"],
  };
  return makeCommand("doctor", about, runner, async (context) => {
    const { io } = context;
    const { doctor } = await import("../operations/index.ts");
    const report = await doctor({ instance: await instanceOrFailure(context), env: io.env, now: Date.now() });
    io.document({ schema: "holdfast.doctor/1", ...report });
    print(io, report);
    return report.healthy ? 0 : 1;
  }).addHelpText(
    "after",
    "\nExits 0 when nothing is wrong, also with warnings; 1 when there is a problem, or something could not be looked at.",
  );
}

/** A configuration that cannot be used is something to be told of, and no reason to look at nothing. */
export async function instanceOrFailure({ instance }: Pick<CommandContext, "instance">): Promise<Instance | HoldfastError> {
  try {
    return await instance();
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
}

const ORDER: readonly Verdict[] = ["problem", "unknown", "warning", "ok"];

/** What is wrong first; with --quiet nothing else. */
function print(io: Io, { findings, counts }: DoctorReport): void {
  const { red, yellow, green, dim } = io.paint;
  const signs: Readonly<Record<Verdict, string>> = { problem: red("!!"), unknown: yellow("??"), warning: yellow("! "), ok: green("ok") };
  for (const verdict of ORDER) {
    if (verdict === "ok" && io.quiet) continue;
    for (const finding of findings.filter((one) => one.verdict === verdict)) {
      io.print(`${signs[verdict]}  ${titleOf(finding)}: ${printable(finding.seen)}`);
      if (finding.todo !== null) io.print(dim(`      ${printable(finding.todo)}`));
    }
  }
  const count = (number: number, word: string): string => `${number} ${word}${number === 1 ? "" : "s"}`;
  const unknown = counts.unknown === 0 ? "" : `, ${counts.unknown} unknown`;
  io.print(`\n${count(counts.problem, "problem")}, ${count(counts.warning, "warning")}${unknown}, ${counts.ok} ok`);
}

function titleOf({ check, subject }: Finding): string {
  return subject === null ? check : `${check} (${printable(subject)})`;
}
