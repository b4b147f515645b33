import type { RetentionDecision } from "./plan-retention.ts";

/** Why a backup stays or goes, in one line: each reason once, with the components that it holds for. */
export function describeDecision({ reasons }: RetentionDecision): string {
  const byWhy = new Map<string, string[]>();
  for (const { component, why } of reasons) {
    const components = byWhy.get(why) ?? [];
    byWhy.set(why, component === null ? components : [...components, component]);
  }
  return [...byWhy].map(([why, components]) => (components.length === 0 ? why : `${components.join(", ")}: ${why}`)).join("; ");
}
