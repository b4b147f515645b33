import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { tryFileLock } from "../../src/kernel/file-lock.ts";
import type { Lease } from "../../src/lease/index.ts";
import { tell, type StressPlan } from "./lease-stress-log.ts";

export function between(low: number, high: number): number {
  return low + Math.random() * (high - low);
}

export function oneIn(times: number): boolean {
  return Math.random() * times < 1;
}

/**
 * Works for a moment, inside a lock of the kernel on a file that has nothing to do with the lease: whoever finds it taken
 * has found two at work at once. The kernel lets go of it when a process dies, and before it tells anyone that it is dead.
 */
export async function workAlone(plan: StressPlan, generation: number, how: () => Promise<void> = async () => {}): Promise<void> {
  // Who lost the lease to a break and does not know yet works on: that is what the fence is for.
  using alone = plan.breaks ? undefined : tryFileLock(join(plan.folder, "body.lock"), "exclusive");
  tell(join(plan.folder, "log"), generation, alone === undefined && !plan.breaks ? { e: "overlap", where: "body" } : { e: "in" });
  // A wrong lease is to be seen soon: then whoever should not be there finds somebody.
  await pause(between(5, 60) * (plan.wrong === "orphans" ? 5 : 1));
  await how();
  tell(join(plan.folder, "log"), generation, { e: "out" });
}

/** The irreversible step: a line in a file, whose order is looked at in the end. */
export async function takeStep(plan: StressPlan, lease: Lease): Promise<void> {
  const step = async (): Promise<void> => {
    using alone = tryFileLock(join(plan.folder, "step.lock"), "exclusive");
    if (alone === undefined) tell(join(plan.folder, "log"), lease.generation, { e: "overlap", where: "step" });
    await pause(between(0, 4));
    tell(join(plan.folder, "steps"), lease.generation, { e: "step" });
  };
  if (plan.wrong !== "unfenced") return await lease.fence("append", step);
  await lease.check();
  await pause(between(0, 300));
  await step();
}
