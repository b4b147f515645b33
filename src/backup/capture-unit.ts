import type { ReadyComponent } from "./preflight.ts";

/** Components that are captured under one pause: a group, or one component alone. */
export type CaptureUnit = readonly ReadyComponent[];

/**
 * Groups keep the place of their first member. Inside a group databases come first: an index that is newer than its
 * database can be rebuilt, one that is older crashes its reader (MemPalace/mempalace#585, chroma-core/chroma#7090).
 */
export function captureUnits(ready: readonly ReadyComponent[]): CaptureUnit[] {
  const units = new Map<string, ReadyComponent[]>();
  for (const component of ready) {
    const { group, name } = component.plan;
    const key = group === undefined ? `component:${name}` : `group:${group}`;
    const unit = units.get(key);
    if (unit === undefined) units.set(key, [component]);
    else unit.push(component);
  }
  return [...units.values()].map((unit) => unit.toSorted((a, b) => rank(a) - rank(b)));
}

/** Whether a unit is a tree of a few large files, which is stored beside others. */
export function hasLargeFiles([component, ...others]: CaptureUnit): boolean {
  return component?.fewLarge === true && others.length === 0 && component.plan.pause === undefined;
}

function rank(component: ReadyComponent): number {
  return component.kind === "sqlite" ? 0 : 1;
}
