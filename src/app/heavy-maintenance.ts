import type { Lease } from "../lease/index.ts";
import type { Instance } from "../operations/index.ts";
import type { HeavyMaintenance, HeavyMaintenanceOptions } from "./holdfast.ts";

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
