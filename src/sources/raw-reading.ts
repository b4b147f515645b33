import { accessSync, constants } from "node:fs";
import { basename, dirname, join } from "node:path";
import { lstatAt } from "../kernel/index.ts";
import type { Reading, ReadingEntry } from "../vault/index.ts";
import { liveContent } from "./content.ts";
import { headOf } from "./head.ts";
import type { Notes } from "./notes.ts";
import { readingOf } from "./reading-of.ts";
import type { ReadingRequest } from "./reading-request.ts";
import { rootError, type Root } from "./root.ts";
import { SIDECARS } from "./sniff.ts";

/**
 * A database that no consistent copy can be had of, byte by byte with every sidecar that lies beside it: what a person
 * with the right tools may still get something out of. Read by the engine's own process, which has no connection to it;
 * a process that had one would drop its locks by closing these files.
 */
export function rawDatabaseReading(root: Root, { component, signal }: ReadingRequest, notes: Notes): Reading {
  try {
    accessSync(root.real, constants.R_OK);
  } catch (cause) {
    // Sidecars without their database are worth nothing, and would look like something.
    throw rootError(root.path, component, cause);
  }
  const folder = dirname(root.real);
  const name = basename(root.real);
  return readingOf({
    signal,
    *entries(): Generator<ReadingEntry> {
      const top = lstatAt(folder);
      if (top !== undefined) yield { head: headOf(".", "directory", top), content: { kind: "none" } };
      for (const suffix of ["", ...SIDECARS].toSorted()) {
        const path = join(folder, `${name}${suffix}`);
        const stats = lstatAt(path);
        if (stats !== undefined && !stats.isFile()) notes.omit(`${root.name}${suffix}`, "Is no regular file", false);
        if (stats?.isFile() === true)
          yield { head: headOf(`${root.name}${suffix}`, "file", stats), content: liveContent(path, stats, false) };
      }
    },
    report: () => ({ source: "tree", resolved_path: root.real, ...notes.result(), salvaged: { file: root.name }, suspect: true }),
    close: () => {},
  });
}
