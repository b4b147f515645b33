import { existsSync } from "node:fs";
import { CaptureError, HoldfastError, namedSystemError } from "../kernel/index.ts";
import { survey } from "../sources/index.ts";
import type { Importance, SourceKind } from "../vault/index.ts";
import { importanceOf, type ComponentPlan } from "../backup/index.ts";
import { avoidedBy, planComponents } from "./plan-components.ts";
import type { Instance } from "./instance.ts";

export interface DryRunFolder {
  /** First name inside the component, with a slash when it is a folder. */
  readonly path: string;
  readonly files: number;
  readonly bytes: number;
}

export interface DryRunComponent {
  readonly name: string;
  readonly path: string | null;
  readonly source: SourceKind | null;
  readonly importance: Importance | null;
  readonly files: number;
  readonly bytes: number;
  /** Per top folder, largest first; files at the top are counted together as "(files)". */
  readonly folders: readonly DryRunFolder[];
  /** Why it would not be captured. */
  readonly problem: string | null;
}

export interface DryRun {
  readonly vault: string;
  readonly bytes: number;
  readonly components: readonly DryRunComponent[];
  /** Omissions and warnings, one line each. */
  readonly warnings: readonly string[];
}

/** Says what a backup would capture, with sizes per top folder; takes, stages and makes nothing. */
export async function dryRun(instance: Instance, names: readonly string[] | undefined, signal?: AbortSignal): Promise<DryRun> {
  const components: DryRunComponent[] = [];
  const warnings: string[] = [];
  for (const plan of await planComponents(instance, names)) components.push(await look(plan, instance, warnings, signal));
  return { vault: instance.config.backup.path, bytes: components.reduce((sum, { bytes }) => sum + bytes, 0), components, warnings };
}

const TOP_FILES = "(files)";

async function look(
  plan: ComponentPlan,
  instance: Instance,
  warnings: string[],
  signal: AbortSignal | undefined,
): Promise<DryRunComponent> {
  const base = { name: plan.name, path: plan.path, files: 0, bytes: 0, folders: [] };
  try {
    if (plan.unresolved !== undefined) throw plan.unresolved;
    if (plan.path !== null && !existsSync(plan.path)) {
      if (plan.optional) return { ...base, source: null, importance: plan.importance ?? null, problem: null };
      throw new CaptureError("COMPONENT_MISSING", `Not there: "${plan.path}"`);
    }
    const surveyed = survey({
      ...plan,
      component: plan.name,
      avoid: avoidedBy(instance),
      remembered: { single: false, paths: new Set() },
      signal,
    });
    const folders = new Map<string, { files: number; bytes: number }>();
    for await (const { path, bytes } of surveyed.files()) {
      const slash = path.indexOf("/");
      const top = slash === -1 ? TOP_FILES : path.slice(0, slash + 1);
      const sum = folders.get(top) ?? { files: 0, bytes: 0 };
      folders.set(top, { files: sum.files + 1, bytes: sum.bytes + bytes });
    }
    const { omissions, warnings: told } = surveyed.report();
    warnings.push(
      ...told.map((text) => `${plan.name}: ${text}`),
      ...omissions.map(({ path, reason }) => `${plan.name}/${path}: ${reason}`),
    );
    const rows = [...folders].map(([path, sum]) => ({ path, ...sum })).toSorted((a, b) => b.bytes - a.bytes);
    return {
      ...base,
      source: surveyed.kind,
      importance: importanceOf(plan, surveyed.kind),
      files: rows.reduce((sum, row) => sum + row.files, 0),
      bytes: rows.reduce((sum, row) => sum + row.bytes, 0),
      folders: surveyed.kind === "tree" ? rows : [],
      problem: null,
    };
  } catch (error) {
    const failure = error instanceof HoldfastError ? error : namedSystemError(error, `look at component "${plan.name}"`);
    return { ...base, source: null, importance: plan.importance ?? null, problem: failure.message };
  }
}
