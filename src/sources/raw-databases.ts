import type { HoldfastError } from "../kernel/index.ts";
import type { Notes } from "./notes.ts";

/** Databases of a tree that a salvage takes as files, with their sidecars, because no consistent copy can be had of them. */
export interface RawDatabases {
  /** Entry paths, in the order in which they were met. */
  readonly paths: ReadonlySet<string>;
  add(path: string, why: HoldfastError): void;
}

export function rawDatabases(notes: Notes): RawDatabases {
  const paths = new Set<string>();
  return {
    paths,
    add(path, why) {
      if (paths.has(path)) return;
      paths.add(path);
      notes.warn(`"${path}" is kept raw, with its sidecars: ${why.message}`);
    },
  };
}
