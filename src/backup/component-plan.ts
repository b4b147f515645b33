import type { Importance, SourceKind } from "../vault/index.ts";

/** How writers of a component are held still while it is cut. Argument arrays; no shell. */
export interface PausePlan {
  readonly command: readonly string[];
  readonly resume: readonly string[];
  /** Milliseconds after which the guardian resumes by itself. */
  readonly timeout: number;
}

/** One component of this run, with its path resolved. */
export interface ComponentPlan {
  readonly name: string;
  /** Absolute; null for a command component and for a path that did not resolve. */
  readonly path: string | null;
  /** Why the path did not resolve; such a component fails by its importance like a missing one. */
  readonly unresolved?: Error;
  readonly command: { readonly argv: readonly string[]; readonly as: string; readonly timeout: number } | null;
  readonly kind: SourceKind | undefined;
  readonly importance: Importance | undefined;
  readonly exclude: readonly string[];
  readonly include: readonly string[];
  readonly excludeLarger: number | undefined;
  readonly excludeCaches: boolean;
  readonly oneFileSystem: boolean;
  readonly optional: boolean;
  readonly group: string | undefined;
  readonly pause: PausePlan | undefined;
  /** Of a database in write-ahead mode: in place under a read transaction where that can be had, or from a copy. */
  readonly read?: "pinned" | "staged" | undefined;
}

/** Documented defaults: what cannot be missed is critical, what is many things is high. */
export function importanceOf(plan: ComponentPlan, kind: SourceKind): Importance {
  return plan.importance ?? (kind === "tree" ? "high" : "critical");
}
