import { existsSync } from "node:fs";
import { formatDuration } from "../../kernel/index.ts";
import { testLeaseFolder } from "../../lease/index.ts";
import { ok, warning, type Patient, type Sight } from "./check.ts";
import { reportLease } from "../lease.ts";

/** How long a holder may say nothing before somebody should look. Milliseconds. */
const SILENCE = 10 * 60_000;

/** Whether pipes tell who lives here, whether the store can be read, and whether anybody hangs or starves. */
export async function checkLease({ instance, now }: Patient): Promise<readonly Sight[]> {
  const { stateDir } = instance.config;
  if (existsSync(stateDir)) testLeaseFolder(stateDir);
  const { lease, deferred } = await reportLease(instance);
  const sights: Sight[] = [ok(lease === null ? "Nobody ever held it" : `${lease.state}, generation ${lease.generation}`)];
  const silent = lease?.progressAt === null || lease === null ? 0 : now - Date.parse(lease.progressAt);
  if (lease !== null && lease.state !== "free" && silent > SILENCE)
    sights.push(
      warning(
        `${lease.owner ?? "Its holder"}, pid ${lease.pid ?? "unknown"}, has said nothing for ${formatDuration(silent)}`,
        "When it hangs: holdfast lease break",
      ),
    );
  for (const { task, deferredSince, reason } of deferred.filter(({ starving }) => starving))
    sights.push(warning(`Task ${task} is starving since ${deferredSince}: ${reason}`, "See who holds the lease: holdfast lease status"));
  return sights;
}
