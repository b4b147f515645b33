import { lstatAt } from "../../kernel/index.ts";
import { hasDatabaseHeader, SIDECARS } from "../../sources/index.ts";
import type { Entry } from "../../vault/index.ts";
import { mayRenameIn, nearestFolder } from "./live-place.ts";
import type { PlanContext } from "./plan-context.ts";
import { planMountedFile } from "./plan-tree.ts";
import type { PlannedMove, RestoreTarget } from "./restore-plan.ts";

/**
 * A component that is one file. A database and its sidecars are one set: a new database beside an old write-ahead log
 * would be given the log's pages, and a log that is deleted takes its committed rows with it (n8n-io/n8n#22341).
 *
 * @param carried The file's entry, and for a database that was kept raw those of its sidecars, by suffix
 */
export function planFile(live: string, target: RestoreTarget, carried: ReadonlyMap<string, Entry>, context: PlanContext): PlannedMove[] {
  const { component } = target;
  const there = lstatAt(live);
  const beside = nearestFolder(live);
  const moves: PlannedMove[] = [];
  if (there?.isDirectory() === true) {
    context.refuse({
      component,
      reason: `"${live}" is a folder, and the backup carries a file`,
      hint: "Correct the component's path, or move the folder away",
      overridable: false,
    });
    return [];
  }
  if (context.mountPoints.has(live)) {
    planMountedFile(live, carried.get(""), component, beside, context, moves);
  } else {
    if (!mayRenameIn(beside))
      context.refuse({
        component,
        reason: `This account may not change names in "${beside}"`,
        hint: "Run as the account that owns it",
        overridable: false,
      });
    if (there !== undefined && there.nlink > 1n) context.warn(`"${live}" has other names (hard links): they keep the old content`);
    moves.push({ component, how: "rename", live, takesAway: there !== undefined, entry: carried.get("")?.path ?? null, beside });
  }
  if (target.source !== "sqlite" && target.salvaged === null && !(there?.isFile() === true && hasDatabaseHeader(live))) return moves;
  for (const suffix of SIDECARS) {
    const place = `${live}${suffix}`;
    const entry = carried.get(suffix)?.path ?? null;
    const takesAway = lstatAt(place) !== undefined;
    if (takesAway || entry !== null) moves.push({ component, how: "rename", live: place, takesAway, entry, beside });
  }
  return moves;
}
