import { readdirSync } from "node:fs";
import { dirname } from "node:path";
import { lstatAt } from "../../kernel/index.ts";
import type { Entry } from "../../vault/index.ts";
import { mayRenameIn, nearestFolder } from "./live-place.ts";
import { below, type CarriedEntries, type PlanContext } from "./plan-context.ts";
import type { PlannedFolder, PlannedMove, RestoreTarget } from "./restore-plan.ts";
import { liveAt, surveyLive, type LiveTree } from "./survey-live.ts";

export interface TreeLayout {
  readonly root: string;
  /** undefined: nothing is there, and the tree comes whole. */
  readonly live: LiveTree | undefined;
}

export interface TreePlan {
  readonly moves: readonly PlannedMove[];
  readonly folders: readonly PlannedFolder[];
  readonly untouched: readonly { readonly path: string; readonly reason: string }[];
}

/** Looks at the live place first: which of the backup's entries a plan must know one by one depends on it. */
export async function layOutTree(root: string, target: RestoreTarget, context: PlanContext): Promise<TreeLayout> {
  const there = lstatAt(root);
  if (there?.isDirectory() !== true) return { root, live: undefined };
  const live = await surveyLive(root, target, context);
  const fixed = context.mountPoints.has(root) || root === "/" || !mayRenameIn(dirname(root));
  return { root, live: fixed ? { ...live, entered: new Set([...live.entered, "."]) } : live };
}

/**
 * The fewest renames that put in place what the backup carries, and take away only what the component's own rules would
 * have captured. A folder that holds anything else is entered, and what is in it is renamed one by one.
 */
export function planTree({ root, live }: TreeLayout, target: RestoreTarget, carried: CarriedEntries, context: PlanContext): TreePlan {
  const { component } = target;
  const moves: PlannedMove[] = [];
  const folders: PlannedFolder[] = [];
  const untouched: { path: string; reason: string }[] = [];
  const plan = { moves, folders, untouched };
  if (live === undefined) {
    const there = lstatAt(root);
    if (there !== undefined)
      context.refuse({
        component,
        reason: `"${root}" is a file, and the backup carries a folder`,
        hint: "Move the file away, or add --force to have it moved aside",
        overridable: true,
      });
    moves.push({ component, how: "rename", live: root, takesAway: there !== undefined, entry: ".", beside: nearestFolder(root) });
    return plan;
  }
  for (const [path, { reason }] of live.leftOut) untouched.push({ path, reason });
  if (!live.entered.has(".")) {
    moves.push({ component, how: "rename", live: root, takesAway: true, entry: ".", beside: dirname(root) });
    return plan;
  }
  enter(".", context.mountPoints.has(root) || !mayRenameIn(dirname(root)) ? root : dirname(root));
  return plan;

  function enter(folder: string, outer: string): void {
    const beside = live?.mounts.has(folder) === true ? liveAt(root, folder) : outer;
    const own = carried.at(folder);
    if (own?.type === "directory") folders.push({ component, live: liveAt(root, folder), entry: own });
    const coming = new Map<string, Entry>();
    for (const entry of carried.inside(folder)) coming.set(entry.path, entry);
    for (const name of readdirSync(liveAt(root, folder)).toSorted()) {
      const path = below(folder, name);
      step(path, coming.get(path), beside);
      coming.delete(path);
    }
    for (const { path } of coming.values()) {
      if (live?.leftOut.get(path)?.owner === "other") continue;
      moves.push({ component, how: "rename", live: liveAt(root, path), takesAway: false, entry: path, beside });
    }
  }

  /** One name that is there now. */
  function step(path: string, entry: Entry | undefined, beside: string): void {
    const place = liveAt(root, path);
    const stays = live?.leftOut.get(path);
    if (stays !== undefined) {
      if (entry === undefined || stays.owner === "other") return;
      context.refuse({
        component,
        reason: `The backup carries "${path}", and in its place lies something that is not the component's: ${stays.reason}`,
        hint: stays.owner === "mount" ? "Unmount it first" : "Change the component's rules, or add --force to have it moved aside",
        overridable: stays.owner !== "mount",
      });
      if (context.force && stays.owner !== "mount")
        moves.push({ component, how: "rename", live: place, takesAway: true, entry: path, beside });
    } else if (live?.mountedFiles.has(path) === true) {
      planMountedFile(place, entry, component, beside, context, moves);
    } else if (live?.entered.has(path) === true) {
      if (entry !== undefined && entry.type !== "directory")
        context.refuse({
          component,
          reason: `"${path}" holds what is not the component's, and the backup carries a ${entry.type} of that name`,
          hint: "Move away what is in it; --dry-run names it",
          overridable: false,
        });
      else enter(path, beside);
    } else {
      moves.push({ component, how: "rename", live: place, takesAway: true, entry: entry?.path ?? null, beside });
    }
  }
}

/** A file that is a mount point keeps its name and its inode: it can be written over, and nothing else. */
export function planMountedFile(
  live: string,
  entry: Entry | undefined,
  component: string,
  beside: string,
  context: PlanContext,
  moves: PlannedMove[],
): void {
  if (entry === undefined) {
    context.refuse({
      component,
      reason: `"${live}" is a mount point and is not in the backup: it cannot be taken away`,
      hint: "Unmount it first",
      overridable: false,
    });
  } else if (entry.type === "file" && context.inPlace) {
    moves.push({ component, how: "content", live, takesAway: true, entry: entry.path, beside });
  } else {
    context.refuse({
      component,
      reason: `"${live}" is a mount point and cannot be replaced by a rename`,
      hint: "Add --in-place to write its content over, or restore where it is mounted from",
      overridable: false,
    });
  }
}
