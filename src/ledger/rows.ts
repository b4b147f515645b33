import type { SQLOutputValue } from "node:sqlite";
import type { Outcome, RunRecord, Streak, TaskRecord } from "./records.ts";

/** A row as SQLite gives it. */
export type Raw = Record<string, SQLOutputValue>;

export function taskOf(raw: Raw): TaskRecord {
  return {
    name: String(raw["name"]),
    firstSeenAt: Number(raw["first_seen_at"]),
    lastRunAt: numberOrNull(raw["last_run_at"]),
    lastEndedAt: numberOrNull(raw["last_ended_at"]),
    lastCompletedAt: numberOrNull(raw["last_completed_at"]),
    lastOutcome: textOrNull(raw["last_outcome"]) as Outcome | null,
    lastReasonCode: textOrNull(raw["last_reason_code"]),
    lastReason: textOrNull(raw["last_reason"]),
    failingSince: numberOrNull(raw["failing_since"]),
    failures: Number(raw["failures"]),
    scheduleText: textOrNull(raw["schedule_text"]),
    anchorAt: numberOrNull(raw["anchor_at"]),
    notBefore: numberOrNull(raw["not_before"]),
    askedAt: numberOrNull(raw["asked_at"]),
  };
}

export function runOf(raw: Raw): RunRecord {
  const pid = numberOrNull(raw["pid"]);
  return {
    id: Number(raw["id"]),
    task: String(raw["task"]),
    kind: raw["kind"] as RunRecord["kind"],
    trigger: String(raw["trigger"]),
    outcome: raw["outcome"] as Outcome,
    reasonCode: textOrNull(raw["reason_code"]),
    reason: textOrNull(raw["reason"]),
    startedAt: Number(raw["started_at"]),
    endedAt: numberOrNull(raw["ended_at"]),
    presence: String(raw["presence"]),
    child: pid === null ? null : { pid, start: String(raw["start"]), boot_id: String(raw["boot_id"]) },
    exitCode: numberOrNull(raw["exit_code"]),
    signal: textOrNull(raw["signal"]),
    output: textOrNull(raw["output"]),
    lastLines: textOrNull(raw["last_lines"]),
    backupId: textOrNull(raw["backup_id"]),
  };
}

export function streakOf(raw: Raw): Streak {
  return {
    task: String(raw["task"]),
    openedAt: Number(raw["opened_at"]),
    lastAt: Number(raw["last_at"]),
    count: Number(raw["count"]),
    reasonCode: String(raw["reason_code"]),
    reason: String(raw["reason"]),
    blockingTask: textOrNull(raw["blocking_task"]),
    holdingOwner: textOrNull(raw["holding_owner"]),
    holdingPid: numberOrNull(raw["holding_pid"]),
    starving: raw["starving"] === 1,
  };
}

function numberOrNull(value: SQLOutputValue | undefined): number | null {
  return value === null || value === undefined ? null : Number(value);
}

function textOrNull(value: SQLOutputValue | undefined): string | null {
  return typeof value === "string" ? value : null;
}
