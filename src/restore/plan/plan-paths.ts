import { dirname } from "node:path";
import { lstatAt } from "../../kernel/index.ts";
import { SIDECARS } from "../../sources/index.ts";
import type { Entry } from "../../vault/index.ts";
import { nearestFolder } from "./live-place.ts";
import { foldersAbove, type PlanContext } from "./plan-context.ts";
import { planMountedFile, type TreePlan } from "./plan-tree.ts";
import type { PlannedFolder, PlannedMove, RestoreTarget } from "./restore-plan.ts";
import { liveAt } from "./survey-live.ts";

/** Chosen paths of a tree: each is put in its place, and nothing that is not among them is taken away. */
export function planPaths(root: string, target: RestoreTarget, chosen: readonly Entry[], context: PlanContext): TreePlan {
  const { component } = target;
  const moves: PlannedMove[] = [];
  const folders: PlannedFolder[] = [];
  /** Entry paths that come whole, with everything chosen below them. */
  const whole = new Set<string>();
  for (const entry of chosen) {
    const above = [...foldersAbove(entry.path)];
    if (above.some((folder) => whole.has(folder))) continue;
    const live = liveAt(root, entry.path);
    const there = lstatAt(live);
    const missing = above.findLast((folder) => lstatAt(liveAt(root, folder)) === undefined);
    if (missing !== undefined) {
      whole.add(missing);
      const place = liveAt(root, missing);
      moves.push({ component, how: "rename", live: place, takesAway: false, entry: missing, beside: besideOf(place) });
    } else if (above.some((folder) => lstatAt(liveAt(root, folder))?.isDirectory() !== true)) {
      context.refuse({
        component,
        reason: `A folder that leads to "${entry.path}" is no folder now`,
        hint: "Restore the folder, or move away what lies in its place",
        overridable: false,
      });
    } else if (there?.isDirectory() === true && entry.type === "directory") {
      folders.push({ component, live, entry });
    } else if (there?.isDirectory() === true) {
      context.refuse({
        component,
        reason: `"${entry.path}" is a folder now, and the backup carries a ${entry.type}`,
        hint: "Move the folder away first",
        overridable: false,
      });
    } else if (context.mountPoints.has(live)) {
      planMountedFile(live, entry, component, besideOf(live), context, moves);
    } else {
      if (entry.type === "directory") whole.add(entry.path);
      const beside = besideOf(live);
      moves.push({ component, how: "rename", live, takesAway: there !== undefined, entry: entry.path, beside });
      if (entry.database === true)
        for (const suffix of SIDECARS)
          if (lstatAt(`${live}${suffix}`) !== undefined)
            moves.push({ component, how: "rename", live: `${live}${suffix}`, takesAway: true, entry: null, beside });
    }
  }
  return { moves, folders, untouched: [] };

  /** Beside the root where that is on the same file system as the path, else in the path's own folder. */
  function besideOf(live: string): string {
    const own = dirname(live);
    const outer = nearestFolder(root);
    const device = (folder: string): bigint | undefined => lstatAt(folder)?.dev;
    const mounted = [...context.mountPoints].some(
      (point) => point === root || (point.startsWith(`${root}/`) && live.startsWith(`${point}/`)),
    );
    return lstatAt(own) !== undefined && (mounted || device(own) !== device(outer)) ? own : outer;
  }
}
