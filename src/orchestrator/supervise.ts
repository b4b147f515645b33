import { closeSync } from "node:fs";
import {
  messageOf,
  monotonicNow,
  processesOfGroup,
  redact,
  spawnGated,
  stopGroup,
  type GatedChild,
  type ProcessIdentity,
} from "../kernel/index.ts";
import { LEASE_DESCRIPTOR, type Lease } from "../lease/index.ts";
import type { RunEnd } from "../ledger/index.ts";
import { Complaints } from "./complaints.ts";
import { REASON_CODES } from "./deferral.ts";
import type { Log } from "./log.ts";
import { lastDocument, lastLines, levelOf, openOutput, OutputReader, readTail, toldOutcome } from "./run-output.ts";
import type { Task } from "./task.ts";

export interface SuperviseRequest {
  readonly task: Pick<Task, "name" | "argv" | "builtin" | "timeout" | "stall" | "yield">;
  readonly run: number;
  /** null: light work. Only a heavy child gets the token and the descriptor. */
  readonly lease: Lease | null;
  readonly stateDir: string;
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly log: Log;
  /** Writes the child down; the program starts when this has returned. */
  readonly record: (child: ProcessIdentity, output: string) => Promise<void> | void;
  /** Stops it: TERM, then KILL. */
  readonly signal: AbortSignal;
  /** From TERM to KILL. Milliseconds. */
  readonly grace: number;
}

export interface Supervised {
  readonly child: ProcessIdentity;
  readonly ended: Promise<RunEnd>;
  /** Passes the word on in the way that the task has chosen. */
  askToYield(): void;
  /** Ends it and all of its group at once. */
  kill(): void;
}

/** How often its output is read and its pulse is felt. */
const LOOK = 1000;

/** Starts a task's program and stands by until it has ended: deadline, stall limit, output, outcome. */
export async function supervise(request: SuperviseRequest): Promise<Supervised> {
  const { task, lease, stateDir, record } = request;
  const output = openOutput(stateDir, task.name, request.run);
  let child: GatedChild;
  try {
    child = await spawnGated(task.argv, {
      cwd: request.cwd,
      env: lease === null ? request.env : { ...request.env, ...lease.environment },
      stdio: [task.yield === "stdin" ? "pipe" : "ignore", output.descriptor, output.descriptor],
      group: true,
      ...(lease === null ? { withhold: LEASE_DESCRIPTOR } : { pass: { descriptor: lease.descriptor, as: LEASE_DESCRIPTOR } }),
    });
  } finally {
    closeSync(output.descriptor);
  }
  const { pid } = child.identity;
  // A task that does not read its input is no failure of ours.
  child.process.stdin?.on("error", () => {});
  try {
    await lease?.addChild(pid, task.name);
    await record(child.identity, output.path);
  } catch (error) {
    // Behind its gate it has done nothing, and nobody would know of it.
    child.process.kill("SIGKILL");
    throw error;
  }
  child.open();
  return {
    child: child.identity,
    ended: standBy(child, output.path, request),
    askToYield: () => {
      if (task.yield === "stdin") child.process.stdin?.write("yield\n");
      else if (task.yield === "signal") child.process.kill("SIGUSR2");
    },
    kill: () => stopGroup(pid, "SIGKILL"),
  };
}

type Stopped = "deadline" | "stalled" | "interrupted";

async function standBy(child: GatedChild, path: string, { task, signal, log, lease, grace }: SuperviseRequest): Promise<RunEnd> {
  const { pid } = child.identity;
  let stopped: Stopped | null = null;
  let killer: NodeJS.Timeout | undefined;
  const stop = (why: Stopped): void => {
    if (stopped !== null) return;
    stopped = why;
    stopGroup(pid, "SIGTERM");
    // A process that is stopped takes notice of TERM only when it goes on.
    stopGroup(pid, "SIGCONT");
    killer = setTimeout(() => stopGroup(pid, "SIGKILL"), typeof signal.reason === "number" ? signal.reason : grace);
  };
  const onAbort = (): void => stop("interrupted");
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort, { once: true });
  const deadline = setTimeout(() => stop("deadline"), task.timeout);
  const pulse = new Pulse(pid);
  const reader = new OutputReader(path);
  const complaints = new Complaints(log);
  const readLines = (): string[] => {
    try {
      const lines = reader.read();
      complaints.over("output");
      return lines;
    } catch (error) {
      // Its output was removed, or no file can be opened at the moment: that ends neither the task nor its supervision.
      complaints.say("output", `Cannot read the output of ${task.name}: ${messageOf(error)}`, {
        task: task.name,
      });
      return [];
    }
  };
  const tell = (lines: readonly string[]): void => {
    for (const line of lines) {
      if (line.trim() === "" || task.builtin !== null) continue;
      const { level, text } = levelOf(line);
      log(level, `${task.name}: ${text}`, { task: task.name });
      lease?.progress({ doing: `${task.name}: ${redact(text).slice(0, 120)}` });
    }
  };
  const look = (): void => {
    tell(readLines());
    if (task.stall !== null && pulse.silence(reader.size) > task.stall) stop("stalled");
  };
  const ticker = setInterval(look, LOOK);
  const { exitCode, signal: by } = await child.ended;
  clearInterval(ticker);
  clearTimeout(deadline);
  clearTimeout(killer);
  signal.removeEventListener("abort", onAbort);
  // What it started and left in its group was stopped with it.
  if (stopped !== null) stopGroup(pid, "SIGKILL");
  tell([...readLines(), reader.rest()]);
  return endOf(task, stopped, exitCode, by, tailOf(path, task.builtin === null ? "line" : "document"));
}

/** Empty when it was removed meanwhile: the exit code is there all the same. */
function tailOf(path: string, what: "line" | "document"): string {
  try {
    return readTail(path, what);
  } catch {
    return "";
  }
}

/** Since when a process group has neither printed anything nor used the processor. */
class Pulse {
  readonly #group: number;
  #seen = "";
  #since = monotonicNow();

  constructor(group: number) {
    this.#group = group;
  }

  silence(printed: number): number {
    const ticks = processesOfGroup(this.#group).reduce((sum, process) => sum + process.ticks, 0);
    const now = `${printed} ${ticks}`;
    if (now !== this.#seen) this.#since = monotonicNow();
    this.#seen = now;
    return monotonicNow() - this.#since;
  }
}

function endOf(
  task: SuperviseRequest["task"],
  stopped: Stopped | null,
  exitCode: number | null,
  by: NodeJS.Signals | null,
  tail: string,
): RunEnd {
  const facts = { exitCode, signal: by, lastLines: lastLines(tail), backupId: null };
  if (stopped !== null) return { ...facts, outcome: "failed", reasonCode: REASON_CODES[stopped], reason: STOPPED[stopped](task) };
  if (task.builtin === "backup") return { ...facts, ...backupOutcome(exitCode, by, tail) };
  if (task.builtin === "verify") return { ...facts, ...verifyOutcome(exitCode, by, tail) };
  const told = toldOutcome(tail);
  // The exit code alone is enough to defer or to fail; a word of success does not outdo it.
  if (exitCode === 5 || (exitCode === 0 && told?.outcome === "deferred"))
    return { ...facts, outcome: "skipped", reasonCode: REASON_CODES.deferredByChild, reason: told?.reason ?? "the task deferred itself" };
  if (exitCode !== 0) return { ...facts, outcome: "failed", ...failure(exitCode, by) };
  if (told?.outcome === "failed") return { ...facts, outcome: "failed", reasonCode: REASON_CODES.failedByChild, reason: told.reason };
  return { ...facts, outcome: "completed", reasonCode: null, reason: told?.reason ?? null };
}

const STOPPED: Readonly<Record<Stopped, (task: SuperviseRequest["task"]) => string>> = {
  deadline: ({ timeout }) => `stopped at its deadline of ${timeout} ms`,
  stalled: ({ stall }) => `stopped: no output and no processor time for ${stall} ms`,
  interrupted: () => "stopped with the daemon",
};

function failure(exitCode: number | null, by: NodeJS.Signals | null): Pick<RunEnd, "reasonCode" | "reason"> {
  if (exitCode === null) return { reasonCode: REASON_CODES.signal, reason: `ended by ${by ?? "a signal"}` };
  return { reasonCode: REASON_CODES.exit, reason: `ended with exit code ${exitCode}` };
}

/** 3 is also a backup that has everything, and in which something is not as it should be: its alarms say what. */
function lackOf(document: Readonly<Record<string, unknown>> | null): string {
  const told = document?.["alarms"];
  const alarms = Array.isArray(told) ? told.filter((alarm) => typeof alarm === "string") : [];
  return alarms.length === 0 ? "something declared was not captured" : alarms.join("; ").slice(0, 2000);
}

/** Our own command says in its document what became of it: 3 is a backup that lacks something, and a backup. */
function backupOutcome(
  exitCode: number | null,
  by: NodeJS.Signals | null,
  tail: string,
): Pick<RunEnd, "outcome" | "reasonCode" | "reason" | "backupId"> {
  const document = lastDocument(tail);
  const id = typeof document?.["id"] === "string" ? document["id"] : null;
  const error = document?.["error"] as { readonly code?: unknown; readonly message?: unknown } | undefined;
  const reason = typeof error?.message === "string" ? error.message : null;
  if (exitCode === 0 && id !== null) return { outcome: "completed", reasonCode: null, reason: null, backupId: id };
  if (exitCode === 3 && id !== null)
    return { outcome: "completed", reasonCode: REASON_CODES.partial, reason: lackOf(document), backupId: id };
  if (exitCode === 5) return { outcome: "skipped", reasonCode: REASON_CODES.deferredByChild, reason, backupId: null };
  return { ...ownFailure(exitCode, by, document), backupId: null };
}

/** Damage that was found is a verification that was done: tried again soon, it would find the same and read no further. */
function verifyOutcome(
  exitCode: number | null,
  by: NodeJS.Signals | null,
  tail: string,
): Pick<RunEnd, "outcome" | "reasonCode" | "reason"> {
  const document = lastDocument(tail);
  const results = document?.["results"];
  if (exitCode === 0 && Array.isArray(results)) return { outcome: "completed", reasonCode: null, reason: null };
  if (exitCode === 4 && Array.isArray(results)) {
    const damaged = (results as readonly { readonly id?: unknown; readonly ok?: unknown }[]).filter(({ ok }) => ok === false);
    const vault = document?.["vault"];
    const told = [...damaged.map(({ id }) => `${String(id)} is damaged`), ...(Array.isArray(vault) ? vault.map(String) : [])];
    return { outcome: "completed", reasonCode: REASON_CODES.damageFound, reason: told.join("; ").slice(0, 2000) };
  }
  return ownFailure(exitCode, by, document);
}

/** What our own command says of a failure, or how it ended. */
function ownFailure(
  exitCode: number | null,
  by: NodeJS.Signals | null,
  document: Readonly<Record<string, unknown>> | null,
): Pick<RunEnd, "outcome" | "reasonCode" | "reason"> {
  const error = document?.["error"] as { readonly code?: unknown; readonly message?: unknown } | undefined;
  const why = failure(exitCode, by);
  return {
    outcome: "failed",
    reasonCode: typeof error?.code === "string" ? error.code : why.reasonCode,
    reason: typeof error?.message === "string" ? error.message : why.reason,
  };
}
