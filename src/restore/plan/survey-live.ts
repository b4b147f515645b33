import { join, relative, sep } from "node:path";
import { surveyTree } from "../../sources/index.ts";
import { foldersAbove, type PlanContext } from "./plan-context.ts";
import type { RestoreTarget } from "./restore-plan.ts";

/** What lies in a live tree, as far as a plan of renames has to know it. Entry paths. */
export interface LiveTree {
  /** Not the component's: stays where it is. */
  readonly leftOut: ReadonlyMap<string, { readonly reason: string; readonly owner: "rules" | "other" | "mount" }>;
  /** Folders that cannot be renamed whole, because something in them stays. */
  readonly entered: ReadonlySet<string>;
  /** Mount points that are folders: what is in them is staged inside them. */
  readonly mounts: ReadonlySet<string>;
  /** Files that are mount points. */
  readonly mountedFiles: ReadonlySet<string>;
}

/** Looks through a live tree by the component's own rules, without opening a database and without entering what they leave out. */
export async function surveyLive(root: string, target: RestoreTarget, context: PlanContext): Promise<LiveTree> {
  const leftOut = new Map<string, { reason: string; owner: "rules" | "other" | "mount" }>();
  const mounts = new Set<string>();
  const mountedFiles = new Set<string>();
  const entered = new Set<string>();
  const enter = (path: string): void => {
    for (const folder of foldersAbove(path)) entered.add(folder);
  };
  const nested = new Map<string, string>();
  for (const [component, place] of context.places) {
    if (component === target.component) continue;
    const path = relative(root, place);
    if (path === "" || path === ".." || path.startsWith(`..${sep}`)) continue;
    nested.set(path, component);
  }
  const isNested = (path: string): boolean => {
    if (nested.has(path)) return true;
    for (const folder of foldersAbove(path)) if (nested.has(folder)) return true;
    return false;
  };
  for await (const find of surveyTree({ root, ...target.rules, avoid: context.avoid, signal: context.signal })) {
    const { path } = find;
    if (nested.size > 0 && isNested(path)) continue;
    if (context.mountPoints.has(find.absolute) && path !== ".") {
      if (find.type === "directory" && find.verdict === "captured") {
        mounts.add(path);
        entered.add(path);
      } else if (find.verdict === "captured") mountedFiles.add(path);
      else leftOut.set(path, { reason: `${find.reason ?? "Its rules leave it out"}, and it is a mount point`, owner: "mount" });
      enter(path);
    } else if (find.verdict === "left-out") {
      leftOut.set(path, { reason: find.reason ?? "Its rules leave it out", owner: "rules" });
      enter(path);
    }
  }
  for (const [path, component] of nested) {
    leftOut.set(path, { reason: `Belongs to component "${component}"`, owner: "other" });
    enter(path);
  }
  return { leftOut, entered, mounts, mountedFiles };
}

export function liveAt(root: string, path: string): string {
  return path === "." ? root : join(root, path);
}
