import { readFileSync } from "node:fs";

/**
 * A process as it can be told from a later one with the same number: in containers every process is pid 1
 * (neomjs/neo#16210), so that the boot and the start time count as well.
 */
export interface ProcessIdentity {
  readonly pid: number;
  /** Of the running kernel; empty where there is none. */
  readonly boot_id: string;
  /** Clock ticks after boot when the process started; empty where that is not known. */
  readonly start: string;
}

export function thisProcess(): ProcessIdentity {
  return { pid: process.pid, boot_id: readProc("/proc/sys/kernel/random/boot_id"), start: startOf(process.pid) };
}

/** Whether that very process still runs. */
export function isRunning(identity: ProcessIdentity): boolean {
  return (
    identity.boot_id === readProc("/proc/sys/kernel/random/boot_id") && identity.start !== "" && identity.start === startOf(identity.pid)
  );
}

function readProc(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return "";
  }
}

function startOf(pid: number): string {
  const stat = readProc(`/proc/${pid}/stat`);
  // The command name stands in parentheses and may hold spaces; field 22 counts from behind it.
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
}
