import type { ComponentPlan } from "../backup/index.ts";
import { resolvePath, type ComponentConfig } from "../config/index.ts";
import { HoldfastError, identityAt, nearest, NotFoundError, type FileIdentity } from "../kernel/index.ts";
import type { Instance } from "./instance.ts";

/** The component that every backup carries: the configuration itself. */
export const RESERVED_COMPONENT = "holdfast";

/**
 * What is never opened and never walked, by device and inode. The key of the vault is of no use in it; an export would
 * carry it out in the clear, and a restore in place would put an old one over the one in use.
 */
export function avoidedBy({ config }: Instance): FileIdentity[] {
  const { path, encryption } = config.backup;
  const secret = encryption !== null && "path" in encryption ? [encryption.path] : [];
  return [config.stateDir, path, ...secret].flatMap((place) => identityAt(place) ?? []);
}

/** The chosen components with their paths resolved now, in the configuration's order. */
export async function planComponents(instance: Instance, names?: readonly string[]): Promise<ComponentPlan[]> {
  const { config, env } = instance;
  const chosen = chosenNames(instance, names);
  return Promise.all(config.components.filter(({ name }) => chosen.has(name)).map((component) => planOf(component, env)));
}

/** @throws NotFoundError COMPONENT_NOT_FOUND, with what was meant */
export function chosenNames({ config }: Instance, names: readonly string[] | undefined): ReadonlySet<string> {
  const known = config.components.map(({ name }) => name);
  const chosen = new Set(names ?? config.backup.include);
  for (const name of chosen) {
    if (known.includes(name)) continue;
    const near = nearest(name, known);
    throw new NotFoundError("COMPONENT_NOT_FOUND", `No component is called "${name}"`, {
      hint: near === undefined ? `Declared are: ${known.join(", ")}` : `Did you mean "${near}"?`,
    });
  }
  return chosen;
}

async function planOf(component: ComponentConfig, env: NodeJS.ProcessEnv): Promise<ComponentPlan> {
  const { path, position: _, ...rest } = component;
  if (path === null) return { ...rest, path: null };
  try {
    return { ...rest, path: (await resolvePath(path, { env })).path };
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    return { ...rest, path: null, unresolved: error };
  }
}

/** The configuration itself, as a component of every backup. */
export function reservedComponent(file: string): ComponentPlan {
  return {
    name: RESERVED_COMPONENT,
    path: file,
    command: null,
    kind: "file",
    importance: "critical",
    exclude: [],
    include: [],
    excludeLarger: undefined,
    excludeCaches: false,
    oneFileSystem: false,
    optional: false,
    group: undefined,
    pause: undefined,
  };
}
