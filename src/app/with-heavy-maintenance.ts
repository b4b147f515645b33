import type { Lease } from "../lease/index.ts";
import type { HeavyMaintenance, HeavyMaintenanceOptions, OpenOptions } from "./holdfast.ts";
import { openHoldfast } from "./open-holdfast.ts";

/**
 * One piece of heavy work of a program that needs nothing else of Holdfast.
 *
 * @example
 * const run = await withHeavyMaintenance("kbSync", async (lease) => {
 *   for (const batch of batches) {
 *     if (lease.shouldYield()) return;
 *     await lease.fence("batch", () => write(batch));
 *   }
 * });
 * if (run.outcome === "deferred") console.log(`held by ${run.held.holder?.owner}`);
 */
export async function withHeavyMaintenance<T>(
  owner: string,
  body: (lease: Lease) => Promise<T>,
  options: HeavyMaintenanceOptions & OpenOptions = {},
): Promise<HeavyMaintenance<T>> {
  await using holdfast = await openHoldfast(options);
  return await holdfast.withHeavyMaintenance(owner, body, options);
}
