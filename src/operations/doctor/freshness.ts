import { formatDuration } from "../../kernel/index.ts";
import { staleVerdicts } from "../stale-verdicts.ts";
import { deciding, status } from "../status.ts";
import { ok, problem, warning, type Patient, type Sight } from "./check.ts";

/** Whether the newest backups are good, young, and were read back. */
export async function checkFreshness({ instance, now, listing }: Patient): Promise<readonly Sight[]> {
  const { components, failedRun } = await status(instance);
  const sights: Sight[] = [];
  if (failedRun !== null)
    sights.push(
      problem(
        `The newest run, ${failedRun.at}, failed: ${failedRun.message ?? failedRun.code ?? "unknown"}`,
        "Put right what it says, then: holdfast backup",
      ),
    );
  const decisive = new Set(deciding(components).map(({ name }) => name));
  for (const { name, problem: wrong, captured, verifiedAt } of components) {
    if (wrong !== null)
      sights.push((decisive.has(name) ? problem : warning)(wrong, "Take a backup and look at what it says: holdfast backup", name));
    if (captured === null) continue;
    const age = verifiedAt === null ? null : now - Date.parse(verifiedAt);
    if (age === null) sights.push(warning("No good backup of it was ever read back", "holdfast verify latest", name));
    // A verdict says what was so then; disks rot.
    else if (age > instance.config.verify.maxAge)
      sights.push(warning(`It was read back last ${formatDuration(age)} ago`, "holdfast verify latest", name));
    else if (wrong === null) sights.push(ok("captured on time, and read back", name));
  }
  const stale = staleVerdicts(instance, await listing());
  if (stale !== null)
    sights.push(warning(stale, "holdfast verify --all, or read back more at a time: verify.sample in the configuration", "verification"));
  return sights;
}
