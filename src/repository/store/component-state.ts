import type { ComponentRoot } from "../tree/roots.ts";
import type { Base } from "./base.ts";
import type { Before } from "./before.ts";
import type { ComponentTree } from "./component-tree.ts";
import type { StoredEntry } from "./kept.ts";

/** One component while its backup is built. */
export interface ComponentState {
  readonly name: string;
  readonly base: Base | undefined;
  readonly before: Before;
  readonly warnings: readonly string[];
  /** undefined until it is stored, and when nothing of it was touched: then its tree is that of the base. */
  tree: ComponentTree | undefined;
  /** What is stored so far of a large database that comes next. */
  partly: (() => StoredEntry | undefined) | undefined;
  memory: Uint8Array | undefined;
}

/** The backup of which this one is a copy in all but its manifest, whatever the order in which its components were stored. */
export function sameBackup(components: readonly ComponentState[], roots: readonly ComponentRoot[]): Base | undefined {
  const [base] = components.map((component) => component.base);
  if (base?.backup === undefined || base.roots.length !== roots.length) return undefined;
  return roots.every((root) => base.roots.some((before) => before.name === root.name && before.root === root.root)) ? base : undefined;
}
