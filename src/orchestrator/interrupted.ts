import { HostError, isRunning, type Clock, type HoldfastError } from "../kernel/index.ts";
import type { Presence, RunRecord, SqliteLedger } from "../ledger/index.ts";
import { REASON_CODES } from "./deferral.ts";
import type { Log } from "./log.ts";
import { lastDocument, lastLines, readTail } from "./run-output.ts";

export interface InterruptedParts {
  readonly ledger: SqliteLedger;
  readonly presence: Presence;
  readonly clock: Clock;
  readonly log: Log;
  readonly committed?: (since: number) => string | null;
  readonly lost?: (failure: HoldfastError, since: number) => Promise<void>;
}

/**
 * Ends what a supervisor that died left `running`. A program that it started and that lives is left alone until it has
 * ended: its task runs. What became of it nobody saw, and that counts as a failure; a backup that says it was committed was.
 */
export function closeInterrupted(
  { ledger, presence, clock, log, committed, lost }: InterruptedParts,
  isActive: (task: string) => boolean,
): void {
  for (const run of ledger.running()) {
    // One of our own whose end could not be written down is nobody's any more.
    const supervised = run.presence === presence.id ? run.kind === "service" || isActive(run.task) : ledger.isSupervised(run);
    if (supervised || (run.child !== null && isRunning(run.child))) continue;
    const tail = tailOf(run);
    const backupId = committedBackup(run, tail) ?? (run.task === "backup" ? (committed?.(run.startedAt) ?? null) : null);
    const facts = { exitCode: null, signal: null, lastLines: tail === null ? null : lastLines(tail), backupId };
    if (backupId !== null)
      ledger.end(run.id, { ...facts, outcome: "completed", reasonCode: null, reason: "ended after its daemon" }, clock.now());
    else
      ledger.end(
        run.id,
        { ...facts, outcome: "failed", reasonCode: REASON_CODES.interrupted, reason: "its supervisor died before it ended" },
        clock.now(),
      );
    log(
      backupId === null ? "warn" : "info",
      `A run of ${run.task} was cut off: it is closed as ${backupId === null ? "interrupted" : "completed"}.`,
      {
        task: run.task,
      },
    );
    if (run.task === "backup" && backupId === null && !hasFailedByName(tail)) void lost?.(cutOff(), run.startedAt);
  }
}

function committedBackup({ task }: RunRecord, tail: string | null): string | null {
  if (task !== "backup" || tail === null) return null;
  const document = lastDocument(tail);
  return document?.["schema"] === "holdfast.backup/1" && typeof document["id"] === "string" ? document["id"] : null;
}

/** Then it has told so itself. */
function hasFailedByName(tail: string | null): boolean {
  return tail !== null && lastDocument(tail)?.["error"] !== undefined;
}

function cutOff(): HoldfastError {
  return new HostError("ENGINE_KILLED", "The process that did the work ended together with the one that supervised it", {
    hint: "Nothing half-made is listed; look for who ended them, such as a limit of memory. It is tried again by itself",
  });
}

function tailOf({ task, output }: RunRecord): string | null {
  try {
    return output === null ? null : readTail(output, task === "backup" ? "document" : "line");
  } catch {
    return null;
  }
}
