import type { RetentionDecision } from "./plan-retention.ts";

/** A prune writes each into a record and shows it as well. */
const told = new WeakMap<RetentionDecision, string>();

/** Why a backup stays or goes, in one line: each reason once, with the components that it holds for. */
export function describeDecision(decision: RetentionDecision): string {
  let text = told.get(decision);
  if (text === undefined) told.set(decision, (text = describe(decision)));
  return text;
}

function describe({ reasons }: RetentionDecision): string {
  const byWhy = new Map<string, string>();
  for (const { component, why } of reasons) {
    const before = byWhy.get(why) ?? "";
    byWhy.set(why, component === null ? before : before === "" ? component : `${before}, ${component}`);
  }
  let text = "";
  for (const [why, components] of byWhy) text += `${text === "" ? "" : "; "}${components === "" ? why : `${components}: ${why}`}`;
  return text;
}
