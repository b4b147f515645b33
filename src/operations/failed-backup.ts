import type { HoldfastError } from "../kernel/index.ts";
import type { Trigger } from "../vault/index.ts";
import type { Instance } from "./instance.ts";
import { recordRun, type LastRun } from "./last-run.ts";

/** A call that was wrong, stopped or deferred says nothing about the state's safety; a run that failed does, by a defect of ours as well. */
export function saysSomething({ code, row: { kind } }: HoldfastError): boolean {
  return kind === "capture" || kind === "conflict" || kind === "host" || kind === "damage" || kind === "internal" || code === "DEADLINE";
}

export function recordEnded(instance: Instance, trigger: Trigger, what: Omit<LastRun, "at" | "trigger">): void {
  recordRun(instance.config.stateDir, { at: new Date(instance.clock.now()).toISOString(), trigger, ...what });
}

/** An earlier success must not go on speaking for this run. */
export function recordFailure(instance: Instance, trigger: Trigger, failure: HoldfastError): void {
  if (!saysSomething(failure)) return;
  try {
    recordEnded(instance, trigger, { ok: false, id: null, code: failure.code, message: failure.message });
  } catch (unrecorded) {
    // What failed first is what somebody has to know.
    failure.cause ??= unrecorded;
  }
}
