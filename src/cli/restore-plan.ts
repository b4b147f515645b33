import { formatBytes } from "../kernel/index.ts";
import type { RestorePlan } from "../operations/index.ts";
import type { Io } from "./io.ts";
import { printable } from "./table.ts";

/** More lines than this of one sort are summed up; --json has all. */
const SHOWN = 12;

/** A plan for people: what goes where, what stays, and what speaks against it. */
export function printPlan(io: Io, plan: RestorePlan): void {
  const { bold, dim, red, yellow } = io.paint;
  for (const { component, how, target, moves, untouched, entries, bytes } of plan.components) {
    const way =
      how === "rename"
        ? ""
        : how === "online"
          ? dim(" (written into the database while it is in use)")
          : dim(" (given to its restore command)");
    io.print(`${bold(component)}  ${printable(target)}${way}`);
    io.print(`  ${entries} ${entries === 1 ? "entry" : "entries"}, ${formatBytes(bytes)} from the backup`);
    const lines = moves.map(({ live, takesAway, entry, how: manner }) => {
      const what = manner === "content" ? "write over" : entry === null ? "take away " : takesAway ? "replace   " : "put       ";
      return `  ${what} ${printable(live)}`;
    });
    printSome(io, lines);
    printSome(
      io,
      untouched.map(({ path, reason }) => dim(`  untouched  ${printable(path)}: ${printable(reason)}`)),
    );
  }
  for (const warning of plan.warnings) io.print(yellow(`! ${printable(warning)}`));
  for (const { component, reason, hint, overridable } of plan.refusals)
    io.print(
      red(`x ${component === null ? "" : `${component}: `}${printable(reason)}`) +
        dim(` — ${printable(hint)}${overridable ? "" : "; --force does not help"}`),
    );
}

function printSome(io: Io, lines: readonly string[]): void {
  for (const line of lines.slice(0, SHOWN)) io.print(line);
  if (lines.length > SHOWN) io.print(`  … and ${lines.length - SHOWN} more (--json lists all)`);
}
