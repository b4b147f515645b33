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

/** Of a tree that is stored beside others: its entries wait in memory until the others are stored. */
const FEW_ENTRIES = 1000;
const LARGE_FILES: number = 1024 * 1024;

/** Whether a unit was a tree of a few large files, such as logs, the last time: to look for them takes no time, and to store one is a thread's work. */
export function hasLargeFiles([component, ...others]: CaptureUnit): boolean {
  const before = component?.newestGood?.manifest.component_details[component.plan.name];
  if (before?.source !== "tree" || others.length > 0 || component?.plan.pause !== undefined) return false;
  return before.entries <= FEW_ENTRIES && before.bytes >= before.entries * LARGE_FILES;
}

function rank(component: ReadyComponent): number {
  return component.kind === "sqlite" ? 0 : 1;
}
