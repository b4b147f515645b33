import type { RunDocument } from "../contract/index.ts";
import { redact } from "../kernel/index.ts";
import { recordedRun, recordedRuns, type Instance, type Orchestration } from "../operations/index.ts";

type RunRecord = ReturnType<typeof recordedRuns>[number];

/** Runs of tasks and services as the ledger has them, newest first; of one task, or of all. */
export function ledgerRuns(
  instance: Instance,
  orchestration: Orchestration | null,
  limit: number,
  task: string | null = null,
): readonly RunDocument[] {
  const records = orchestration === null ? recordedRuns(instance, task, limit) : orchestration.ledger.history(task, limit);
  return records.map(runOf);
}

/** One by its id, without a look at any other: what all have printed is megabytes. */
export function ledgerRun(instance: Instance, orchestration: Orchestration | null, id: string): RunDocument | undefined {
  const [, number] = /^task-(\d{1,15})$/.exec(id) ?? [];
  if (number === undefined) return undefined;
  const record = orchestration === null ? recordedRun(instance, Number(number)) : orchestration.ledger.run(Number(number));
  return record === null ? undefined : runOf(record);
}

function runOf(record: RunRecord): RunDocument {
  return {
    run_id: `task-${record.id}`,
    kind: record.kind,
    task: record.task,
    trigger: record.trigger,
    outcome: record.outcome,
    reason_code: record.reasonCode,
    reason: clean(record.reason),
    started_at: new Date(record.startedAt).toISOString(),
    ended_at: record.endedAt === null ? null : new Date(record.endedAt).toISOString(),
    backup_id: record.backupId,
    progress: null,
    result: null,
    problem: null,
    exit_code: record.exitCode,
    last_lines: clean(record.lastLines),
  };
}

/** What a program printed may hold anything. */
function clean(text: string | null): string | null {
  return text === null ? null : redact(text);
}
