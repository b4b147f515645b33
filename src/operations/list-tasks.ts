import { isRunning } from "../kernel/index.ts";
import { findLedger, type RunRecord, type Streak, type TaskRecord } from "../ledger/index.ts";
import { lookAtTask, reasonOf } from "../orchestrator/index.ts";
import { deferredTask, type DeferredTask } from "./deferred.ts";
import type { Instance } from "./instance.ts";
import { definedTasks, findTask } from "./defined-tasks.ts";

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
  return recordedRuns(instance, name, limit);
}

/** The same of any task that ever ran, declared or not. */
export function recordedRuns(instance: Instance, task: string | null, limit: number): readonly RunRecord[] {
  using ledger = findLedger(instance.config.stateDir, instance.remark);
  return ledger?.history(task, limit) ?? [];
}

export function recordedRun(instance: Instance, id: number): RunRecord | null {
  using ledger = findLedger(instance.config.stateDir, instance.remark);
  return ledger?.run(id) ?? null;
}

function iso(instant: number | null): string | null {
  return instant === null ? null : new Date(instant).toISOString();
}
