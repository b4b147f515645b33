import { readFileSync, readlinkSync } from "node:fs";

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
  return identityOfProcess(process.pid);
}

/** A process of this kernel and namespace, as it is now; its `start` is empty when there is none. */
export function identityOfProcess(pid: number): ProcessIdentity {
  return { pid, boot_id: bootId(), start: lookAtProcess(pid)?.start ?? "" };
}

/** Whether that very process still runs. One that has ended and was not waited for has ended (a container without an init keeps it). */
export function isRunning(identity: ProcessIdentity): boolean {
  if (identity.boot_id !== bootId() || identity.start === "") return false;
  const found = lookAtProcess(identity.pid);
  return found !== undefined && found.start === identity.start && !found.ended;
}

export interface ProcessState {
  readonly pid: number;
  readonly start: string;
  /** Process group. */
  readonly group: number;
  /** A zombie, or on the way to being none. */
  readonly ended: boolean;
  /** Processor time so far, user and system, in clock ticks. */
  readonly ticks: number;
}

/** What the kernel says of a process of this namespace; undefined when there is none. Linux. */
export function lookAtProcess(pid: number): ProcessState | undefined {
  const stat = readProc(`/proc/${pid}/stat`);
  if (stat === "") return undefined;
  // The command name stands in parentheses and may hold spaces; what follows it is counted from behind it: proc(5).
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state = "", , group = ""] = fields;
  return {
    pid,
    start: fields[19] ?? "",
    group: Number(group),
    // A first thread that has ended is a zombie while others of its process go on.
    ended: state === "X" || state === "x" || (state === "Z" && Number(fields[17] ?? 1) <= 1),
    ticks: Number(fields[11] ?? 0) + Number(fields[12] ?? 0),
  };
}

/** Of the running kernel; empty where there is none. */
export function bootId(): string {
  return readProc("/proc/sys/kernel/random/boot_id");
}

/** Names the namespace in which this process's numbers of processes mean something; empty where there is none. */
export function pidNamespace(): string {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return "";
  }
}

function readProc(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return "";
  }
}
