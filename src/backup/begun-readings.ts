import { HoldfastError } from "../kernel/index.ts";
import type { ReadyComponent } from "./preflight.ts";
import type { WatchedReading } from "./watched-reading.ts";

/** Readings of databases that are opened before their turn: their copies are under way, or wait to be stored. */
export class BegunReadings {
  readonly #open: (component: ReadyComponent) => Promise<WatchedReading>;
  readonly #begun: Map<string, { readonly component: ReadyComponent; readonly reading: Promise<WatchedReading> }> = new Map();

  constructor(open: (component: ReadyComponent) => Promise<WatchedReading>) {
    this.#open = open;
  }

  begin(component: ReadyComponent | undefined): void {
    // A pinned one is held still for as short as can be: it is opened when it is stored.
    if (component === undefined || component.plan.read === "pinned" || this.#begun.has(component.plan.name)) return;
    const reading = this.#open(component);
    // Its failure is met when its turn comes.
    reading.catch(() => {});
    this.#begun.set(component.plan.name, { component, reading });
  }

  /** Waits until it is open, or cannot be opened. */
  async settled(component: ReadyComponent | undefined): Promise<void> {
    await this.#begun.get(component?.plan.name ?? "")?.reading.catch(() => {});
  }

  /** The reading that was begun, or one that is opened now. */
  async take(component: ReadyComponent): Promise<WatchedReading> {
    const begun = this.#begun.get(component.plan.name);
    this.#begun.delete(component.plan.name);
    return await (begun?.reading ?? this.#open(component));
  }

  /**
   * Closes what nobody took.
   *
   * @returns why a critical database could not be copied, when nothing else than a component failed: that is the telling failure
   */
  async end(error: unknown): Promise<unknown> {
    const telling = error instanceof HoldfastError && error.row.kind === "capture";
    let failure: unknown;
    for (const { component, reading } of this.#begun.values()) {
      try {
        await (await reading).close();
      } catch (cause) {
        if (telling && component.importance === "critical") failure ??= cause;
      }
    }
    return failure;
  }
}
