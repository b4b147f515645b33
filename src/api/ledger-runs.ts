import type { RunDocument } from "../contract/index.ts";
import { redact } from "../kernel/index.ts";
import { taskHistory, type Instance, type Orchestration } from "../operations/index.ts";

type RunRecord = ReturnType<typeof taskHistory>[number];

/** Runs of tasks and services as the ledger has them, newest first. */
export function ledgerRuns(instance: Instance, orchestration: Orchestration | null, limit: number): readonly RunDocument[] {
  const records = orchestration === null ? taskHistory(instance, null, limit) : orchestration.ledger.history(null, limit);
  return records.map(runOf);
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
