import { isRunning, NotFoundError, nearest } from "../kernel/index.ts";
import { findLedger, type RunEnd, type RunRecord, type Streak, type TaskRecord } from "../ledger/index.ts";
import type { Held } from "../lease/index.ts";
import { lookAtTask, reasonOf, type Log } from "../orchestrator/index.ts";
import { deferredTask, type DeferredTask } from "./deferred.ts";
import type { Instance } from "./instance.ts";
import { definedTasks, orchestrate } from "./orchestrate.ts";

export interface TaskStatus {
  readonly name: string;
  readonly label: string;
  readonly kind: "task" | "service" | "not declared";
  readonly heavy: boolean;
  /** "periodic-sweep:600000"; null for a service and for a default name without a command. */
  readonly schedule: string | null;
  /** `running` while it does, under any daemon. */
  readonly state: string | null;
  readonly reasonCode: string | null;
  readonly reason: string | null;
  readonly lastRunAt: string | null;
  readonly lastCompletedAt: string | null;
  readonly nextDueAt: string | null;
  readonly failures: number;
  /** While it is deferred. */
  readonly deferral: DeferredTask | null;
}

/** Every task and service, with what became of it last and when it is due next. Writes nothing. */
export function listTasks(instance: Instance): TaskStatus[] {
  const { config, clock, remark } = instance;
  const defined = definedTasks(instance);
  using ledger = findLedger(config.stateDir, remark);
  const records = new Map((ledger?.tasks() ?? []).map((record) => [record.name, record]));
  const running = new Set(
    (ledger?.running() ?? [])
      .filter((run) => ledger?.isSupervised(run) === true || (run.child !== null && isRunning(run.child)))
      .map(({ task }) => task),
  );
  const streaks = new Map((ledger?.streaks() ?? []).map((streak) => [streak.task, streak]));
  const now = clock.now();
  const rows: TaskStatus[] = defined.tasks.map((task) => {
    const record = records.get(task.name);
    const due = record === undefined || running.has(task.name) ? null : lookAtTask(task, record, config.name, now).due;
    return {
      ...rowOf(task, "task", record, streaks.get(task.name), running.has(task.name)),
      heavy: task.heavy,
      schedule: reasonOf(task.schedule),
      nextDueAt: due === null ? null : iso(due),
    };
  });
  for (const service of defined.services)
    rows.push(rowOf(service, "service", records.get(service.name), undefined, running.has(service.name)));
  for (const idle of defined.idle) rows.push(rowOf(idle, "not declared", undefined, undefined, false));
  return rows;
}

function rowOf(
  { name, label }: { readonly name: string; readonly label: string },
  kind: TaskStatus["kind"],
  record: TaskRecord | undefined,
  streak: Streak | undefined,
  isRunningNow: boolean,
): TaskStatus {
  return {
    name,
    label,
    kind,
    heavy: false,
    schedule: null,
    state: isRunningNow ? "running" : (record?.lastOutcome ?? null),
    reasonCode: isRunningNow ? null : (record?.lastReasonCode ?? null),
    reason: isRunningNow ? null : (record?.lastReason ?? null),
    lastRunAt: iso(record?.lastRunAt ?? null),
    lastCompletedAt: iso(record?.lastCompletedAt ?? null),
    nextDueAt: null,
    failures: record?.failures ?? 0,
    deferral: streak === undefined ? null : deferredTask(streak),
  };
}

/** Newest first. */
export function taskHistory(instance: Instance, name: string | null, limit: number): readonly RunRecord[] {
  if (name !== null) findTask(instance, name);
  using ledger = findLedger(instance.config.stateDir, instance.remark);
  return ledger?.history(name, limit) ?? [];
}

export type TaskRun =
  | { readonly outcome: "ran"; readonly end: RunEnd }
  | { readonly outcome: "deferred"; readonly held: Held }
  | { readonly outcome: "already-running" };

export interface TaskRunOptions {
  /** Milliseconds to wait for another holder of the lease. */
  readonly wait: number;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly onWaiting: (held: Held) => void;
}

/** Runs one task now, through the same gates as the daemon, and stands by until it has ended. */
export async function runTask(instance: Instance, name: string, { wait, log, signal, onWaiting }: TaskRunOptions): Promise<TaskRun> {
  const task = findTask(instance, name);
  await using orchestration = orchestrate(instance, log);
  const started = await orchestration.orchestrator.runNow(task, { wait, token: instance.leaseToken, onWaiting, signal });
  if (started === "already-running") return { outcome: "already-running" };
  if ("held" in started) return { outcome: "deferred", held: started.held };
  const stop = (): void => void orchestration.orchestrator.close();
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  return { outcome: "ran", end: await started.end };
}

/** @throws NotFoundError TASK_NOT_FOUND */
function findTask(instance: Instance, name: string): ReturnType<typeof definedTasks>["tasks"][number] {
  const { tasks, services, idle } = definedTasks(instance);
  const task = tasks.find((one) => one.name === name);
  if (task !== undefined) return task;
  if (services.some((one) => one.name === name))
    throw new NotFoundError("TASK_NOT_FOUND", `"${name}" is a service, which the daemon keeps running`, {
      hint: "Start it with: holdfast daemon",
    });
  if (idle.some((one) => one.name === name))
    throw new NotFoundError("TASK_NOT_FOUND", `Nothing is declared for task "${name}"`, {
      hint: name === "backup" ? "backup.enabled is false: take one with holdfast backup" : `Give it a command: tasks.${name}.command`,
    });
  const near = nearest(
    name,
    tasks.map((one) => one.name),
  );
  throw new NotFoundError("TASK_NOT_FOUND", `No task is called "${name}"`, {
    hint: near === undefined ? "See them with: holdfast task list" : `Did you mean "${near}"?`,
  });
}

function iso(instant: number | null): string | null {
  return instant === null ? null : new Date(instant).toISOString();
}
