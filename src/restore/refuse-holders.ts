import { readFileSync } from "node:fs";
import { ConflictError } from "../kernel/index.ts";
import { findHolders, type HolderTarget } from "./holders/index.ts";

export interface HolderReport {
  /** Who has a target open; null: nobody who can be seen. */
  readonly held: string | null;
  /** What could not be seen; null: everything could. Not knowing is told, and is not "nobody". */
  readonly unknown: string | null;
}

export function reportHolders(targets: readonly HolderTarget[]): HolderReport {
  const { holders, unseen, complete } = findHolders(targets, { ignore: ourselves() });
  const shown = holders.slice(0, 5).map(({ pid, command, paths }) => `${command} (process ${pid ?? "elsewhere"}) has "${paths[0] ?? ""}"`);
  return {
    held: holders.length === 0 ? null : `Still in use: ${shown.join(", ")}${holders.length > shown.length ? ", …" : ""}`,
    unknown: complete
      ? null
      : `Whether anybody else has the targets open is not known: ${unseen === 0 ? "open files cannot be looked at here" : `the open files of ${unseen} ${unseen === 1 ? "process" : "processes"} cannot be seen by this account`}`,
  };
}

/** This process and those that started it: the shell that the command is typed in may stand in the folder that is restored. */
function ourselves(): number[] {
  const pids: number[] = [];
  for (let pid = process.pid; pid > 1 && !pids.includes(pid); pid = parentOf(pid)) pids.push(pid);
  return pids;
}

/** Field 4 of proc_pid_stat(5); 0 where there is no telling. */
function parentOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1] ?? 0);
  } catch {
    return 0;
  }
}

export const HELD_HINT =
  "Stop what uses it, or declare how with `runtime:`; a program that goes on writing to a file that was replaced writes to nowhere";

/** @throws ConflictError TARGET_HELD when somebody has a target open */
export function refuseHolders(targets: readonly HolderTarget[], force: boolean, onWarning: (text: string) => void): void {
  const { held, unknown } = reportHolders(targets);
  if (held !== null) {
    if (!force) throw new ConflictError("TARGET_HELD", held, { hint: `${HELD_HINT}; nothing was changed` });
    onWarning(`${held}; gone over by --force`);
  }
  if (unknown !== null) onWarning(unknown);
}
