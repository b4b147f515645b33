import { hostname } from "node:os";
import { CaptureError, crashpoint, errorFromJson, namedSystemError, VERSION, type HoldfastError } from "../kernel/index.ts";
import { goodFor, type BackupHead, type ManifestBody, type Salvaged } from "../vault/index.ts";
import { CaptureRun } from "./capture-run.ts";
import { ComponentStore } from "./component-store.ts";
import { captureUnits } from "./capture-unit.ts";
import { preflight, type ReadyComponent } from "./preflight.ts";
import { assignStoredAs } from "./stored-as.ts";
import type { TakeBackupRequest } from "./take-backup-request.ts";

export interface BackupOutcome {
  readonly head: BackupHead;
  /** complete: everything declared that is critical or high is in, whole and not suspect. */
  readonly status: "complete" | "partial";
  /** Worth waking somebody: damage, loss, an emptied component. */
  readonly alarms: readonly string[];
  readonly notes: readonly string[];
}

/** Takes one backup: preflight, pause, capture, confirm, commit. Nothing is listed unless it returns. */
export async function takeBackup(request: TakeBackupRequest): Promise<BackupOutcome> {
  const { vault, clock } = request;
  const started = clock.now();
  request.onProgress?.({ phase: "preflight", component: null, bytes: 0, expected: null });
  const before = await vault.list();
  const salvage = request.salvage === true;
  const checked = preflight(request.components, { known: before.backups, vaultPath: request.vaultPath, now: started, salvage });
  const storedAs = assignStoredAs(
    checked.ready.map(({ plan, kind }) => ({
      name: plan.name,
      kind,
      path: plan.path,
      ...(plan.command === null ? {} : { as: plan.command.as }),
    })),
  );
  await using draft = await vault.begin({
    trigger: request.trigger,
    time: started,
    wait: request.wait,
    ...(request.signal === undefined ? {} : { signal: request.signal }),
  });
  crashpoint("backup-staged");
  request.onBegin?.(draft.id);
  const components = new ComponentStore(request, { draft, storedAs, started, expected: expectedBytes(checked.ready) });
  const run = new CaptureRun(request, components);
  try {
    await run.captureAll(captureUnits(checked.ready));
  } catch (error) {
    throw withAlarms(error, run.alarms);
  }

  const notCaptured = { ...checked.notCaptured, ...run.notCaptured };
  const captured = request.components.flatMap(({ name }) => {
    const details = components.details.get(name);
    return details === undefined ? [] : [[name, details] as const];
  });
  if (!salvage && captured.every(([name]) => name === "holdfast")) {
    throw new CaptureError("BACKUP_EMPTY", "No component was captured, and a backup with nothing in it is a failure", {
      hint: Object.values(notCaptured)[0]?.reason ?? "Declare components in the configuration",
    });
  }
  components.tell("commit", null);
  const body: ManifestBody = {
    holdfast_version: VERSION,
    instance: request.instance,
    timestamp: `${new Date(started).toISOString().slice(0, 19)}Z`,
    finished_at: `${new Date(clock.now()).toISOString().slice(0, 19)}Z`,
    trigger: request.trigger,
    tags: request.tags,
    components: captured.map(([name]) => name),
    not_captured: notCaptured,
    db_schema_version: components.schemaVersion,
    component_details: Object.fromEntries(captured),
    runtime: null,
    host: hostname(),
  };
  request.signal?.throwIfAborted();
  const head = await draft.commit(body, request.guard);
  crashpoint("backup-committed");
  return {
    head,
    status: isComplete(head) ? "complete" : "partial",
    alarms: [...run.alarms, ...alarmsOf(head)],
    notes: checked.notes,
  };
}

/** A failure must not hide what needs somebody at once: a runtime that stayed paused is not told by "DOCUMENT_INVALID". */
function withAlarms(error: unknown, alarms: readonly string[]): HoldfastError {
  const failure = namedSystemError(error, "take a backup");
  const others = alarms.filter((alarm) => !alarm.includes(failure.message));
  if (others.length === 0) return failure;
  const hint = [...(failure.hint === undefined ? [] : [failure.hint]), ...others.map((alarm) => `ALARM: ${alarm}`)].join("; ");
  const told = errorFromJson({ ...failure.toJSON(), hint });
  told.cause = failure;
  return told;
}

/** What is of medium importance is recorded when it is missing, and makes no backup partial. */
function isComplete({ manifest }: BackupHead): boolean {
  const missing = Object.values(manifest.not_captured).filter(({ importance }) => importance !== "medium");
  const lacking = Object.entries(manifest.component_details).filter(
    ([name, { importance }]) => importance !== "medium" && !goodFor(manifest, name),
  );
  return missing.length === 0 && lacking.length === 0;
}

function expectedBytes(ready: readonly ReadyComponent[]): number | null {
  const before = ready.map(({ plan, newestGood }) => newestGood?.manifest.component_details[plan.name]?.bytes);
  return before.every((bytes) => bytes !== undefined) ? before.reduce((sum, bytes) => sum + bytes, 0) : null;
}

function alarmsOf(head: BackupHead): string[] {
  return Object.entries(head.manifest.component_details).flatMap(([name, details]) => {
    if (details.salvaged !== undefined) return [`${name}: ${salvagedText(details.salvaged)}`];
    return details.suspect
      ? [
          `${name}: the database is damaged (${details.sqlite?.quick_check ?? details.warnings[0] ?? "quick_check failed"}); this copy is kept, marked suspect`,
        ]
      : [];
  });
}

function salvagedText({ reason, paths }: Salvaged): string {
  if (reason !== undefined) return `${reason}; it is kept as it lies, marked suspect`;
  return `kept raw, with their sidecars: ${(paths ?? []).join(", ")}`;
}
