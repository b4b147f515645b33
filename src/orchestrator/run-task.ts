import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "../kernel/index.ts";
import type { Lease } from "../lease/index.ts";
import type { RunEnd, SqliteLedger, TaskRecord } from "../ledger/index.ts";
import { Complaints } from "./complaints.ts";
import { REASON_CODES } from "./deferral.ts";
import { lookAtTask } from "./due-tasks.ts";
import type { Log } from "./log.ts";
import type { OrchestratorParts } from "./orchestrator-parts.ts";
import { supervise, type Supervised, type SuperviseRequest } from "./supervise.ts";
import type { Task } from "./task.ts";
import { untilWritten } from "./until-written.ts";

export interface TaskRunParts {
  readonly stateDir: string;
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly ledger: SqliteLedger;
  readonly log: Log;
  readonly grace: number;
}

export interface TaskRunRequest {
  readonly task: Task;
  readonly run: number;
  readonly lease: Lease | null;
  readonly signal: AbortSignal;
  readonly onSupervised: (supervised: Supervised) => void;
}

/** Runs a task that was written down, to its end and the end of its lease. Never throws: what goes wrong is how it ended. */
export async function runTask(parts: TaskRunParts, { task, run, lease, signal, onSupervised }: TaskRunRequest): Promise<RunEnd> {
  const { ledger, log, stateDir, cwd, env, grace } = parts;
  let end: RunEnd;
  try {
    const record: SuperviseRequest["record"] = async (child, output) => await untilWritten(() => ledger.recordChild(run, child, output));
    const supervised = await supervise({ task, run, lease, stateDir, cwd, env, log, signal, grace, record });
    onSupervised(supervised);
    lease?.progress({ doing: task.label });
    end = await supervised.ended;
  } catch (error) {
    end = failedToStart(REASON_CODES.notStarted, messageOf(error));
  }
  try {
    await lease?.release();
  } catch (error) {
    log("error", `Cannot release the heavy-maintenance lease of ${task.label}: ${messageOf(error)}`, { task: task.name });
  }
  return end;
}

/** A backup that was killed or stopped after its commit is one: to take another would be to take it twice. */
export function committedAfterAll(end: RunEnd, task: Task, startedAt: number, committed: OrchestratorParts["committed"]): RunEnd {
  if (task.builtin !== "backup" || end.outcome !== "failed") return end;
  const backupId = committed?.(startedAt) ?? null;
  return backupId === null ? end : { ...end, outcome: "completed", reasonCode: null, reason: `${end.reason}, after its commit`, backupId };
}

/** From a child that said it was deferred to the next attempt, at most. Milliseconds. */
const AFTER_DEFERRED_CHILD = 60_000;

/** Between two attempts to write down an end that could not be. Milliseconds. */
const AGAIN = 1000;

/**
 * Writes down what became of a run, and says it. Until that is possible the task looks as if it ran, here and to others.
 *
 * @param ending when this process ends: then whoever comes after it closes the run as interrupted
 */
export async function recordEnd(
  { ledger, log }: TaskRunParts,
  task: Task,
  run: number,
  end: RunEnd,
  startedAt: number,
  now: number,
  ending: AbortSignal,
): Promise<void> {
  const wait = Math.floor(Math.min(AFTER_DEFERRED_CHILD, lookAtTask(task, NOTHING, "", now).cadence / 4));
  const write = (): void => {
    ledger.end(run, end, now, end.outcome === "skipped" ? now + wait : null);
    if (end.outcome !== "skipped") return;
    // Its start has ended the streak, and it never ran: it waits since it was first deferred.
    ledger.resumeStreak(task.name, startedAt);
    ledger.defer(task.name, { ...NOBODY, reasonCode: end.reasonCode ?? "", reason: end.reason ?? "" }, end.reasonCode ?? "", now);
  };
  const complaints = new Complaints(log);
  for (let written = false; !written;) {
    try {
      // oxlint-disable-next-line no-await-in-loop -- one attempt after the other
      await untilWritten(write);
      written = true;
    } catch (error) {
      complaints.say("end", `Cannot write down what became of ${task.label}: ${messageOf(error)}`, { task: task.name });
      if (ending.aborted) break;
      // oxlint-disable-next-line no-await-in-loop -- see above
      await sleep(AGAIN, undefined, { signal: ending, ref: false }).catch(() => {});
    }
  }
  const why = end.reason === null ? "" : `: ${end.reason}`;
  const what = end.backupId === null ? "" : ` ${end.backupId}`;
  if (end.outcome === "completed")
    log(end.reasonCode === null ? "info" : "warn", `Completed ${task.label}${what}${why}.`, { task: task.name });
  else if (end.outcome === "skipped") log("info", `Deferred by ${task.label} itself${why}.`, { task: task.name });
  else if (end.reasonCode === REASON_CODES.interrupted) log("warn", `Stopped ${task.label}${why}.`, { task: task.name });
  else log("error", `Failed ${task.label}${why}.`, { task: task.name });
}

const NOBODY = { blockingTask: null, holdingOwner: null, holdingPid: null };

const NOTHING: TaskRecord = {
  name: "",
  firstSeenAt: 0,
  lastRunAt: null,
  lastEndedAt: null,
  lastCompletedAt: null,
  lastOutcome: null,
  lastReasonCode: null,
  lastReason: null,
  failingSince: null,
  failures: 0,
  scheduleText: null,
  anchorAt: null,
  notBefore: null,
  askedAt: null,
};

export function failedToStart(reasonCode: string, reason: string): RunEnd {
  return { outcome: "failed", reasonCode, reason, exitCode: null, signal: null, lastLines: null, backupId: null };
}
