import { EntryChecksum } from "../../vault/index.ts";
import type { ComponentRoot } from "../tree/roots.ts";
import type { Base } from "./base.ts";
import type { Before } from "./before.ts";
import type { EntryTape } from "./entry-tape.ts";
import type { StoredEntry } from "./same-tree.ts";

/** One component while its backup is built. */
export interface ComponentState {
  readonly name: string;
  readonly base: Base | undefined;
  readonly before: Before;
  readonly warnings: readonly string[];
  /** In stored order; "as-before" when nothing of it was touched. */
  entries: EntryTape | "as-before";
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

/** Over the entries of all components, in the order in which they were stored. */
export function checksumOf(components: readonly ComponentState[]): string {
  const checksum = new EntryChecksum();
  for (const { name, base, entries } of components) {
    for (const { entry } of entries === "as-before" ? (base?.entries ?? []) : entries) checksum.add(name, entry);
  }
  return checksum.value();
}
