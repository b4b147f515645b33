import { hostname } from "node:os";
import { basename, join } from "node:path";
import { CaptureError, crashpoint, HoldfastError, makeFolder, namedSystemError, VERSION, type Clock, type FileIdentity } from "../kernel/index.ts";
import { openReading } from "../sources/index.ts";
import {
  goodFor,
  type BackupHead,
  type ComponentDetails,
  type Draft,
  type ManifestBody,
  type NotCaptured,
  type StoredComponent,
  type Trigger,
  type Vault,
} from "../vault/index.ts";
import { captureUnits, type CaptureUnit } from "./capture-unit.ts";
import type { ComponentPlan } from "./component-plan.ts";
import { startPause, type Pause } from "./pause.ts";
import { preflight, refuseOrRecord, type ReadyComponent } from "./preflight.ts";
import { assignStoredAs } from "./stored-as.ts";
import { watchReading, type WatchedReading } from "./watched-reading.ts";

export interface BackupProgress {
  readonly phase: "preflight" | "pause" | "capture" | "commit";
  readonly component: string | null;
  /** Bytes read so far, all components together. */
  readonly bytes: number;
  /** What the newest good backup of these components held, to judge how far this one is; null for a first one. */
  readonly expected: number | null;
}

export interface TakeBackupRequest {
  readonly vault: Vault;
  /** Folder of the vault on this machine, for the space check. */
  readonly vaultPath: string;
  readonly instance: string;
  /** Where commands run: the configuration's folder. */
  readonly cwd: string;
  readonly components: readonly ComponentPlan[];
  readonly trigger: Trigger;
  readonly tags: readonly string[];
  readonly clock: Clock;
  /** Never opened and never walked, whatever path leads there: the vault, the state folder. */
  readonly avoid: readonly FileIdentity[];
  readonly schemaVersion: { readonly component: string; readonly query: string | null };
  /** Milliseconds to wait for another writer of the vault. */
  readonly wait: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: BackupProgress) => void;
  /** Told the id as soon as it is fixed. */
  readonly onBegin?: (id: string) => void;
}

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
  const checked = preflight(request.components, before.backups, request.vaultPath, started);
  const storedAs = assignStoredAs(
    checked.ready.map(({ plan, kind }) => ({ name: plan.name, kind, path: plan.path, ...(plan.command === null ? {} : { as: plan.command.as }) })),
  );
  await using draft = await vault.begin({
    trigger: request.trigger,
    time: started,
    wait: request.wait,
    ...(request.signal === undefined ? {} : { signal: request.signal }),
  });
  crashpoint("backup-staged");
  request.onBegin?.(draft.id);
  const run = new CaptureRun(request, draft, storedAs, started, expectedBytes(checked.ready));
  for (const unit of captureUnits(checked.ready)) await run.capture(unit);

  const notCaptured = { ...checked.notCaptured, ...run.notCaptured };
  const captured = request.components.flatMap(({ name }) => {
    const details = run.details.get(name);
    return details === undefined ? [] : [[name, details] as const];
  });
  if (captured.every(([name]) => name === "holdfast")) {
    throw new CaptureError("BACKUP_EMPTY", "No component was captured, and a backup with nothing in it is a failure", {
      hint: Object.values(notCaptured)[0]?.reason ?? "Declare components in the configuration",
    });
  }
  request.onProgress?.({ phase: "commit", component: null, bytes: run.bytes, expected: run.expected });
  const body: ManifestBody = {
    holdfast_version: VERSION,
    instance: request.instance,
    timestamp: `${new Date(started).toISOString().slice(0, 19)}Z`,
    finished_at: `${new Date(clock.now()).toISOString().slice(0, 19)}Z`,
    trigger: request.trigger,
    tags: request.tags,
    components: captured.map(([name]) => name),
    not_captured: notCaptured,
    db_schema_version: run.schemaVersion,
    component_details: Object.fromEntries(captured),
    runtime: null,
    host: hostname(),
  };
  request.signal?.throwIfAborted();
  const head = await draft.commit(body);
  crashpoint("backup-committed");
  return {
    head,
    status: isComplete(head) ? "complete" : "partial",
    alarms: [...run.alarms, ...alarmsOf(head)],
    notes: checked.notes,
  };
}

/** What is of medium importance is recorded when it is missing, and makes no backup partial. */
function isComplete({ manifest }: BackupHead): boolean {
  const missing = Object.values(manifest.not_captured).filter(({ importance }) => importance !== "medium");
  const lacking = Object.entries(manifest.component_details).filter(([name, { importance }]) => importance !== "medium" && !goodFor(manifest, name));
  return missing.length === 0 && lacking.length === 0;
}

function expectedBytes(ready: readonly ReadyComponent[]): number | null {
  const before = ready.map(({ plan, newestGood }) => newestGood?.manifest.component_details[plan.name]?.bytes);
  return before.every((bytes) => bytes !== undefined) ? before.reduce((sum, bytes) => sum + bytes, 0) : null;
}

function alarmsOf(head: BackupHead): string[] {
  return Object.entries(head.manifest.component_details).flatMap(([name, details]) =>
    details.suspect ? [`${name}: the database is damaged (${details.sqlite?.quick_check ?? details.warnings[0] ?? "quick_check failed"}); this copy is kept, marked suspect`] : [],
  );
}

/** What accumulates while the components of one backup are captured. */
class CaptureRun {
  readonly details: Map<string, ComponentDetails> = new Map();
  readonly notCaptured: Record<string, NotCaptured> = {};
  readonly alarms: string[] = [];
  schemaVersion: number | null = null;
  bytes = 0;
  readonly #request: TakeBackupRequest;
  readonly #draft: Draft;
  readonly #storedAs: ReadonlyMap<string, string>;
  readonly #started: number;
  readonly expected: number | null;

  constructor(request: TakeBackupRequest, draft: Draft, storedAs: ReadonlyMap<string, string>, started: number, expected: number | null) {
    this.expected = expected;
    this.#request = request;
    this.#draft = draft;
    this.#storedAs = storedAs;
    this.#started = started;
  }

  /** One unit: pause what asked for it, open every reading, resume, store. */
  async capture(unit: CaptureUnit): Promise<void> {
    const paused = unit.some(({ plan }) => plan.pause !== undefined);
    if (paused) {
      await this.#captureUnderPause(unit);
      return;
    }
    for (const component of unit) {
      await this.#orRecord(component, async () => {
        const reading = await this.#open(component, false);
        await this.#store(component, reading);
      });
    }
  }

  async #captureUnderPause(unit: CaptureUnit): Promise<void> {
    const pauses: Pause[] = [];
    const open: (readonly [ReadyComponent, WatchedReading])[] = [];
    try {
      try {
        for (const { plan } of unit) {
          if (plan.pause === undefined) continue;
          this.#request.onProgress?.({ phase: "pause", component: plan.name, bytes: this.bytes, expected: this.expected });
          pauses.push(await startPause(plan.name, plan.pause, this.#request.cwd, this.#request.signal));
        }
        for (const component of unit) await this.#orRecord(component, async () => void open.push([component, await this.#open(component, true)]));
        crashpoint("cut-complete");
      } finally {
        // Every pause ends before anything is stored, in the reverse order, and the first trouble is the one told.
        const ends = await Promise.allSettled(pauses.toReversed().map((pause) => pause.release()));
        const trouble = ends.find((end) => end.status === "rejected");
        if (trouble !== undefined) throw trouble.reason;
      }
      for (const [component, reading] of open) await this.#orRecord(component, () => this.#store(component, reading));
    } catch (error) {
      const failure = error instanceof HoldfastError ? error : namedSystemError(error, `capture "${unit[0]?.plan.name}"`);
      if (failure.code === "PAUSE_FAILED") this.alarms.push(failure.message);
      for (const { plan, importance } of unit) {
        if (!this.details.has(plan.name)) this.notCaptured[plan.name] ??= refuseOrRecord(importance, failure);
      }
    } finally {
      for (const [, reading] of open) await reading.close();
    }
  }

  async #open({ plan, kind, newestGood }: ReadyComponent, cut: boolean): Promise<WatchedReading> {
    const before = newestGood?.manifest.component_details[plan.name];
    const staging = join(this.#draft.staging, plan.name);
    makeFolder(staging);
    const { signal } = this.#request;
    const reading = await openReading({
      component: plan.name,
      path: plan.path,
      command: plan.command,
      kind,
      cwd: this.#request.cwd,
      staging,
      exclude: plan.exclude,
      include: plan.include,
      ...(plan.excludeLarger === undefined ? {} : { excludeLarger: plan.excludeLarger }),
      excludeCaches: plan.excludeCaches,
      oneFileSystem: plan.oneFileSystem,
      avoid: this.#request.avoid,
      remembered: { single: before?.source === "sqlite", paths: new Set(Object.keys(before?.databases ?? {})) },
      quickCheckBefore: new Map(Object.entries(before?.databases ?? (before?.sqlite === undefined || plan.path === null ? {} : { [basename(plan.path)]: before.sqlite }))),
      cut,
      ...(signal === undefined ? {} : { signal }),
      now: this.#started,
    });
    const { schemaVersion } = this.#request;
    return watchReading(reading, {
      component: plan.name,
      previousBytes: before?.bytes,
      schemaQuery: schemaVersion.component === plan.name ? schemaVersion.query : null,
    });
  }

  async #store(component: ReadyComponent, reading: WatchedReading): Promise<void> {
    const { plan, importance } = component;
    const { signal, onProgress } = this.#request;
    try {
      const storedAs = this.#storedAs.get(plan.name);
      if (storedAs === undefined) throw new TypeError(`no place for component ${plan.name}`);
      const stored = await this.#draft.store({
        component: plan.name,
        storedAs,
        reading,
        ...(signal === undefined ? {} : { signal }),
        onBytes: (bytes) => {
          this.bytes += bytes;
          onProgress?.({ phase: "capture", component: plan.name, bytes: this.bytes, expected: this.expected });
        },
      });
      const details = describe(component, stored, reading, storedAs);
      this.details.set(plan.name, details);
      if (plan.name === this.#request.schemaVersion.component) this.schemaVersion = reading.schemaVersion() ?? details.sqlite?.user_version ?? null;
      crashpoint("backup-component-stored");
    } catch (error) {
      throw error instanceof HoldfastError ? error : namedSystemError(error, `store component "${plan.name}" (${importance})`);
    } finally {
      await reading.close();
    }
  }

  /** Runs one component's step; a failure of a component that is not critical is recorded and the backup goes on. */
  async #orRecord(component: ReadyComponent, step: () => Promise<void>): Promise<void> {
    try {
      await step();
    } catch (error) {
      this.#request.signal?.throwIfAborted();
      const { plan, importance } = component;
      const failure = error instanceof HoldfastError ? error : namedSystemError(error, `capture component "${plan.name}"`);
      if (failure.code === "DATABASE_DAMAGED" || failure.code === "COMPONENT_EMPTY") this.alarms.push(`${plan.name}: ${failure.message}`);
      this.notCaptured[plan.name] = refuseOrRecord(importance, failure);
    }
  }
}

/** A previous backup of less than this is too small to call a difference a loss. Bytes. */
const SHRINK_FLOOR = 100_000;

function describe({ plan, importance, newestGood }: ReadyComponent, stored: StoredComponent, reading: WatchedReading, storedAs: string): ComponentDetails {
  const report = reading.report();
  const omissions = [...report.omissions, ...stored.omissions];
  const warnings = [...report.warnings];
  const before = newestGood?.manifest.component_details[plan.name]?.bytes ?? 0;
  if (before > SHRINK_FLOOR && stored.bytes < before / 2) {
    warnings.push(`shrank from ${before} to ${stored.bytes} bytes since ${newestGood?.id}`);
  }
  const moved = stored.changed.some(({ change }) => change === "rewritten");
  return {
    ...report,
    omissions,
    warnings,
    importance,
    stored_as: storedAs,
    bytes: stored.bytes,
    entries: stored.entries,
    changed: stored.changed,
    whole: omissions.every(({ harmless }) => harmless) && !(importance === "critical" && moved),
  };
}
