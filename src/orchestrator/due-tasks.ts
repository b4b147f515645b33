import type { TaskRecord } from "../ledger/index.ts";
import { cadenceOf, dueAt, jitterOf, overdueBy } from "./schedule/index.ts";
import type { Task } from "./task.ts";

/** A task whose time has come. */
export interface DueTask {
  readonly task: Task;
  readonly record: TaskRecord;
  readonly due: number;
  /** Milliseconds between two runs. */
  readonly cadence: number;
  /** In cadences. */
  readonly overdue: number;
}

export interface TaskSight {
  readonly task: Task;
  readonly due: number;
  readonly cadence: number;
}

/** When a task is due next, by what is remembered of it. */
export function lookAtTask(task: Task, record: TaskRecord, instance: string, now: number): TaskSight {
  const cadence = cadenceOf(task.schedule, now);
  const due = dueAt(task.schedule, record, now, jitterOf(instance, task.name, cadence));
  return { task, cadence, due: Math.min(due, record.askedAt ?? Infinity) };
}

export function dueTask({ task, due, cadence }: TaskSight, record: TaskRecord, now: number): DueTask | null {
  return due > now ? null : { task, record, due, cadence, overdue: overdueBy(now, due, cadence) };
}

/**
 * The order in which due tasks get their chance: the most overdue first, the backup among equals. A task for which the
 * lease is kept comes before all of them, since nobody else would get it.
 */
export function inOrder(due: readonly DueTask[], reserved: string | null): DueTask[] {
  const first = ({ task }: DueTask): number => (task.name === reserved ? 0 : 1);
  const backup = ({ task }: DueTask): number => (task.name === "backup" ? 0 : 1);
  return due.toSorted(
    (a, b) => first(a) - first(b) || b.overdue - a.overdue || backup(a) - backup(b) || (a.task.name < b.task.name ? -1 : 1),
  );
}

/**
 * Those that wait for none of their `after`: neither due themselves nor running. One that has ended since is waited for
 * once: a task that is due again at once would keep the other from ever running, and nobody would see it.
 */
export function withoutWaiting(
  due: readonly DueTask[],
  running: ReadonlySet<string>,
  records: ReadonlyMap<string, Pick<TaskRecord, "lastEndedAt">>,
): DueTask[] {
  const dueNames = new Set(due.map(({ task }) => task.name));
  const hasEndedSince = (name: string, since: number): boolean => (records.get(name)?.lastEndedAt ?? -Infinity) >= since;
  return due.filter((one) => one.task.after.every((name) => (!dueNames.has(name) && !running.has(name)) || hasEndedSince(name, one.due)));
}
