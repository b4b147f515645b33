import { join } from "node:path";
import { crashpoint, HoldfastError, makeFolder, namedSystemError } from "../kernel/index.ts";
import type { ComponentDetails, Draft, NotCaptured } from "../vault/index.ts";
import type { CaptureUnit } from "./capture-unit.ts";
import { describeComponent } from "./describe-component.ts";
import { openComponent } from "./open-component.ts";
import { startPause, type Pause } from "./pause.ts";
import { refuseOrRecord, type ReadyComponent } from "./preflight.ts";
import type { TakeBackupRequest } from "./take-backup-request.ts";
import { watchReading, type WatchedReading } from "./watched-reading.ts";

/** What accumulates while the components of one backup are captured. */
export class CaptureRun {
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
    for (const component of unit) await this.#captureOne(component);
  }

  /** Without a pause. A salvage tries the usual way first: most of a state that somebody wants to leave is sound. */
  async #captureOne(component: ReadyComponent): Promise<void> {
    await this.#orRecord(component, async () => {
      try {
        await this.#store(component, await this.#open(component, { cut: false, raw: false }));
      } catch (error) {
        if (this.#request.salvage !== true || !(error instanceof HoldfastError) || error.row.kind !== "capture") throw error;
        this.alarms.push(`${component.plan.name}: ${error.message}; kept raw`);
        await this.#store(component, await this.#open(component, { cut: false, raw: true }), true);
      }
    });
  }

  async #captureUnderPause(unit: CaptureUnit): Promise<void> {
    const pauses: Pause[] = [];
    const open: (readonly [ReadyComponent, WatchedReading])[] = [];
    try {
      const held = await this.#hold(unit, pauses, open);
      const trouble = await this.#release(pauses);
      const first = held ?? trouble;
      if (first !== undefined) throw first;
      for (const [component, reading] of open) await this.#orRecord(component, () => this.#store(component, reading));
    } catch (error) {
      const failure = error instanceof HoldfastError ? error : namedSystemError(error, `capture "${unit[0]?.plan.name}"`);
      if (failure.code === "PAUSE_FAILED") this.#alarm(failure);
      for (const component of unit) {
        const { plan, importance } = component;
        if (this.details.has(plan.name)) continue;
        if (this.#salvage && failure.row.kind === "capture") await this.#captureOne(component);
        else this.notCaptured[plan.name] ??= refuseOrRecord(importance, failure, this.#salvage);
      }
    } finally {
      for (const [, reading] of open) await reading.close();
    }
  }

  /**
   * Ends every pause, the last one first, before anything is stored. Gives the first trouble; each of them is an alarm
   * whatever else went wrong, because a runtime may have stayed paused.
   */
  async #release(pauses: readonly Pause[]): Promise<HoldfastError | undefined> {
    let first: HoldfastError | undefined;
    for (const pause of pauses.toReversed()) {
      try {
        await pause.release();
      } catch (error) {
        const trouble = namedSystemError(error, "end a pause");
        this.#alarm(trouble);
        first ??= trouble;
      }
    }
    return first;
  }

  #alarm({ message, hint }: HoldfastError): void {
    const alarm = hint === undefined ? message : `${message}; ${hint}`;
    if (!this.alarms.includes(alarm)) this.alarms.push(alarm);
  }

  /** Pauses what asked for it and opens every reading. Gives the failure instead of throwing it: the pauses end first. */
  async #hold(unit: CaptureUnit, pauses: Pause[], open: (readonly [ReadyComponent, WatchedReading])[]): Promise<HoldfastError | undefined> {
    const { cwd, onProgress, signal } = this.#request;
    try {
      for (const { plan } of unit) {
        if (plan.pause === undefined) continue;
        onProgress?.({ phase: "pause", component: plan.name, bytes: this.bytes, expected: this.expected });
        pauses.push(await startPause(plan.name, plan.pause, cwd, signal));
      }
      for (const component of unit)
        await this.#orRecord(component, async () => void open.push([component, await this.#open(component, { cut: true, raw: false })]));
      crashpoint("cut-complete");
      return undefined;
    } catch (error) {
      return namedSystemError(error, "read a paused component");
    }
  }

  async #open({ plan, kind, newestGood }: ReadyComponent, how: { readonly cut: boolean; readonly raw: boolean }): Promise<WatchedReading> {
    const before = newestGood?.manifest.component_details[plan.name];
    const staging = join(this.#draft.staging, plan.name);
    makeFolder(staging);
    const { avoid, cwd, signal } = this.#request;
    const reading = await openComponent({ plan, kind, before, staging, cwd, avoid, ...how, signal, now: this.#started });
    const { schemaVersion } = this.#request;
    return watchReading(reading, {
      component: plan.name,
      // A salvage keeps what is there, an emptied component too.
      previousBytes: this.#salvage ? undefined : before?.bytes,
      schemaQuery: schemaVersion.component === plan.name ? schemaVersion.query : null,
    });
  }

  get #salvage(): boolean {
    return this.#request.salvage === true;
  }

  /** @param raw The reading is one of files: a database needs a folder for its sidecars */
  async #store(component: ReadyComponent, reading: WatchedReading, raw = false): Promise<void> {
    const { plan, importance } = component;
    const { signal, onProgress } = this.#request;
    try {
      const storedAs = raw && reading.report().source === "tree" ? this.#rawFolder(plan.name) : this.#storedAs.get(plan.name);
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
      const details = describeComponent(component, stored, reading, storedAs);
      this.details.set(plan.name, details);
      if (plan.name === this.#request.schemaVersion.component)
        this.schemaVersion = reading.schemaVersion() ?? details.sqlite?.user_version ?? null;
      crashpoint("backup-component-stored");
    } catch (error) {
      throw error instanceof HoldfastError ? error : namedSystemError(error, `store component "${plan.name}" (${importance})`);
    } finally {
      await reading.close();
    }
  }

  /** A folder that no other component has, for what was to be one file. */
  #rawFolder(name: string): string {
    const taken = new Set([...this.#storedAs].flatMap(([other, place]) => (other === name ? [] : [place.split("/")[0]?.toLowerCase()])));
    let folder = name;
    while (taken.has(folder.toLowerCase())) folder += "-raw";
    return folder;
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
      this.notCaptured[plan.name] = refuseOrRecord(importance, failure, this.#salvage);
    }
  }
}
