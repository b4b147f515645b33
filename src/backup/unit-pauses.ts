import { namedSystemError, type HoldfastError } from "../kernel/index.ts";
import type { CaptureUnit } from "./capture-unit.ts";
import { startPause, type Pause } from "./pause.ts";
import type { TakeBackupRequest } from "./take-backup-request.ts";

/** The pauses that one unit asks for. */
export class UnitPauses {
  readonly #request: Pick<TakeBackupRequest, "pauses" | "signal">;
  readonly #held: Pause[] = [];

  constructor(request: Pick<TakeBackupRequest, "pauses" | "signal">) {
    this.#request = request;
  }

  /** One after the other; what was held stays so when one fails. @param onPause told before each */
  async hold(unit: CaptureUnit, onPause: (component: string) => void): Promise<void> {
    const { pauses: place, signal } = this.#request;
    for (const { plan } of unit) {
      if (plan.pause === undefined) continue;
      onPause(plan.name);
      this.#held.push(await startPause(plan.name, plan.pause, place, signal));
    }
  }

  /** Ends every pause, the last one first, whatever becomes of the others. @returns what went wrong: a runtime may have stayed paused */
  async release(): Promise<readonly HoldfastError[]> {
    const troubles: HoldfastError[] = [];
    for (const pause of this.#held.splice(0).toReversed()) {
      try {
        await pause.release();
      } catch (error) {
        troubles.push(namedSystemError(error, "end a pause"));
      }
    }
    return troubles;
  }
}
