import { crashpoint, HoldfastError, namedSystemError } from "../kernel/index.ts";
import type { Salvage } from "../sources/index.ts";
import type { NotCaptured } from "../vault/index.ts";
import { BegunReadings } from "./begun-readings.ts";
import { hasLargeFiles, type CaptureUnit } from "./capture-unit.ts";
import type { ComponentStore } from "./component-store.ts";
import type { OpenComponent } from "./open-component.ts";
import { refuseOrRecord, type ReadyComponent } from "./preflight.ts";
import { sideBySide } from "./side-by-side.ts";
import type { TakeBackupRequest } from "./take-backup-request.ts";
import { UnitPauses } from "./unit-pauses.ts";
import { untilHeld } from "./until-held.ts";
import type { WatchedReading } from "./watched-reading.ts";

/** The components of one backup, in their order: which wait for a pause, which are stored beside others, and what becomes of a failure. */
export class CaptureRun {
  readonly notCaptured: Record<string, NotCaptured> = {};
  readonly alarms: string[] = [];
  readonly #request: TakeBackupRequest;
  readonly #components: ComponentStore;
  readonly #begun: BegunReadings = new BegunReadings((component) => this.#components.open(component, this.#plainly));

  constructor(request: TakeBackupRequest, components: ComponentStore) {
    this.#request = request;
    this.#components = components;
  }

  /**
   * All units. A database is copied by a process of its own, which takes a while: the next one is begun while other things
   * are stored, and never two at a time. One that was captured before has little to store, and one that may be read where it lies mostly has
   * no copy to wait for: these are stored beside the others, and so are a few large files, which leaves no thread without work while files are looked for.
   */
  async captureAll(units: readonly CaptureUnit[]): Promise<void> {
    const databases = units.filter((unit) => this.#isLoneDatabase(unit));
    const others = units.filter((unit) => !databases.includes(unit));
    const beside =
      this.#components.storesSeveral &&
      databases.every(([component]) => component?.newestGood !== undefined || component?.plan.read === "pinned");
    try {
      if (beside) {
        const large = others.filter(hasLargeFiles);
        const rest = others.filter((unit) => !large.includes(unit));
        // Databases first: the processes that hold them come up while others are looked at.
        await sideBySide([
          (goesOn) => this.#captureDatabases(databases, goesOn),
          (goesOn) => this.#captureOthers(large, goesOn),
          (goesOn) => this.#captureOthers(rest, goesOn),
        ]);
      } else {
        this.#begun.begin(databases[0]?.[0]);
        await this.#captureOthers(others);
        await this.#captureDatabases(databases);
      }
    } catch (error) {
      throw (await this.#begun.end(error)) ?? error;
    }
  }

  async #captureOthers(units: readonly CaptureUnit[], goesOn = always): Promise<void> {
    for (const unit of units) if (goesOn()) await this.#capture(unit);
  }

  async #captureDatabases(units: readonly CaptureUnit[], goesOn = always): Promise<void> {
    for (const [index, unit] of units.entries()) {
      this.#begun.begin(unit[0]);
      await this.#begun.settled(unit[0]);
      if (!goesOn()) return;
      this.#begun.begin(units[index + 1]?.[0]);
      await this.#capture(unit);
    }
  }

  /** A salvage tries more than one way, and a pause has its time. */
  #isLoneDatabase(unit: CaptureUnit): boolean {
    const [first] = unit;
    return !this.#salvage && unit.length === 1 && first?.kind === "sqlite" && first.plan.pause === undefined;
  }

  /** One unit: pause what asked for it, open every reading, resume, store. */
  async #capture(unit: CaptureUnit): Promise<void> {
    const paused = unit.some(({ plan }) => plan.pause !== undefined);
    if (paused) {
      await this.#captureUnderPause(unit);
      return;
    }
    for (const component of unit) await this.#captureOne(component);
  }

  /** Without a pause. A salvage tries the usual way first: most of a state that somebody wants to leave is sound. */
  async #captureOne(component: ReadyComponent, unpaused?: string): Promise<void> {
    await this.#orRecord(component, async () => {
      try {
        await this.#storeHeld(component, unpaused);
      } catch (error) {
        if (!this.#salvage || component.plan.command !== null || !(error instanceof HoldfastError) || !mayBeKeptRaw(error)) throw error;
        await this.#storeRaw(component, error);
      }
    });
  }

  async #storeHeld(component: ReadyComponent, trouble: string | undefined): Promise<void> {
    const planned = component.plan.read;
    const again = (how: "held" | "staged"): OpenComponent["read"] => (planned === "pinned" ? how : planned);
    await untilHeld(
      async (how) =>
        how === "first"
          ? await this.#begun.take(component)
          : await this.#components.open(component, { ...this.#plainly, read: again(how) }),
      async (reading) => await this.#components.store(component, reading, trouble),
    );
  }

  /**
   * What no copy that can be relied on could be had of, byte by byte. Reading a database so opens and closes its file, which
   * drops the locks that a process holds on it: this process is the engine's and holds none, and the vault's and the
   * lease's own databases are avoided by identity before anything is opened.
   */
  async #storeRaw(component: ReadyComponent, error: HoldfastError): Promise<void> {
    try {
      await this.#components.store(component, await this.#components.open(component, { cut: false, raw: { reason: error.message } }));
    } catch (again) {
      const { kind } = namedSystemError(again, "keep it raw").row;
      // The first failure is the telling one, unless the second ends the salvage, or is what lets it go on.
      throw kind === "internal" || (kind === "capture" && error.row.kind === "capture") ? error : again;
    }
  }

  async #captureUnderPause(unit: CaptureUnit): Promise<void> {
    const pauses = new UnitPauses(this.#request);
    const open: (readonly [ReadyComponent, WatchedReading])[] = [];
    try {
      const held = await this.#hold(unit, pauses, open);
      // Before anything is stored. Each trouble is an alarm whatever else went wrong.
      const troubles = await pauses.release();
      for (const trouble of troubles) this.#alarm(trouble);
      const first = held ?? troubles[0];
      if (first !== undefined) throw first;
      for (const [component, reading] of open) await this.#orRecord(component, () => this.#components.store(component, reading));
    } catch (error) {
      const failure = error instanceof HoldfastError ? error : namedSystemError(error, `capture "${unit[0]?.plan.name}"`);
      if (failure.code === "PAUSE_FAILED") this.#alarm(failure);
      for (const { plan, importance } of unit) {
        if (!this.#components.details.has(plan.name)) this.notCaptured[plan.name] ??= refuseOrRecord(importance, failure, this.#salvage);
      }
    } finally {
      for (const [, reading] of open) await reading.close();
    }
    if (this.#salvage) for (const component of unit) await this.#captureUnpaused(component);
  }

  /** What a salvage has no copy of that the pause vouches for is read as it lies, and says so. */
  async #captureUnpaused(component: ReadyComponent): Promise<void> {
    const { command, name } = component.plan;
    const missed = this.notCaptured[name];
    if (missed === undefined || (command !== null && missed.code !== "PAUSE_FAILED")) return;
    delete this.notCaptured[name];
    await this.#captureOne(component, `It was read without its pause: ${missed.reason}`);
  }

  #alarm({ message, hint }: HoldfastError): void {
    const alarm = hint === undefined ? message : `${message}; ${hint}`;
    if (!this.alarms.includes(alarm)) this.alarms.push(alarm);
  }

  /** Pauses what asked for it and opens every reading. Gives the failure instead of throwing it: the pauses end first. */
  async #hold(
    unit: CaptureUnit,
    pauses: UnitPauses,
    open: (readonly [ReadyComponent, WatchedReading])[],
  ): Promise<HoldfastError | undefined> {
    try {
      await pauses.hold(unit, (component) => this.#components.tell("pause", component));
      for (const component of unit)
        await this.#orRecord(
          component,
          async () => void open.push([component, await this.#components.open(component, { cut: true, raw: this.#inside })]),
        );
      crashpoint("cut-complete");
      return undefined;
    } catch (error) {
      return namedSystemError(error, "read a paused component");
    }
  }

  get #salvage(): boolean {
    return this.#request.salvage === true;
  }

  get #plainly(): { readonly cut: false; readonly raw: Salvage | false } {
    return { cut: false, raw: this.#inside };
  }

  /** Damaged databases in a tree need not cost the rest of it. */
  get #inside(): Salvage | false {
    return this.#salvage && "inside";
  }

  /** Runs one component's step; a failure of a component that is not critical is recorded and the backup goes on. */
  async #orRecord(component: ReadyComponent, step: () => Promise<void>): Promise<void> {
    try {
      await step();
    } catch (error) {
      this.#request.signal?.throwIfAborted();
      const { plan, importance } = component;
      const failure = error instanceof HoldfastError ? error : namedSystemError(error, `capture component "${plan.name}"`);
      const alarming = failure.code === "DATABASE_DAMAGED" || failure.code === "COMPONENT_EMPTY";
      // A salvage begins with damage, and says in the end what became of it.
      if (alarming && !this.#salvage) this.alarms.push(`${plan.name}: ${failure.message}`);
      this.notCaptured[plan.name] = refuseOrRecord(importance, failure, this.#salvage);
    }
  }
}

const always = (): boolean => true;

/** Not what ends a salvage: no space, an interruption, a defect. A host that refuses to open a database still has its bytes. */
function mayBeKeptRaw({ code, row: { kind } }: HoldfastError): boolean {
  return kind === "capture" || code === "FILE_SYSTEM" || code === "FILE_SYSTEM_UNSUPPORTED" || code === "VERSION_UNSUPPORTED";
}
