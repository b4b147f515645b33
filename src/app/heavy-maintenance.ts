import type { Lease } from "../lease/index.ts";
import type { Instance } from "../operations/index.ts";
import type { HeavyMaintenance, HeavyMaintenanceOptions, OpenOptions } from "./holdfast.ts";
import { openHoldfast } from "./open-holdfast.ts";

/** @param instance opened so that its lease does not hold up the host's event loop */
export async function heavyMaintenance<T>(
  instance: Instance,
  owner: string,
  body: (lease: Lease) => Promise<T>,
  { reason = "library", wait = 0, signal }: HeavyMaintenanceOptions,
): Promise<HeavyMaintenance<T>> {
  await using keeper = instance.openLease();
  const answer = await keeper.acquire({
    owner,
    reason,
    wait,
    ...(instance.leaseToken === null ? {} : { token: instance.leaseToken }),
    ...(signal === undefined ? {} : { signal }),
  });
  if (answer.outcome === "held") return { outcome: "deferred", held: answer };
  await using lease = answer.lease;
  return { outcome: "completed", value: await body(lease) };
}

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
