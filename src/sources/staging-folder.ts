import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { namedSystemError } from "../kernel/index.ts";

/** A reading's own folder for private copies, made when the first one is. */
export interface StagingFolder {
  /** A path in it that nothing has yet. */
  fresh(): string;
  /** Made only when a copy was asked for. */
  path(): string;
  /** Giving back the space of a large copy takes a while, and nothing else waits for it. */
  remove(): Promise<void>;
}

export function stagingFolder(parent: string): StagingFolder {
  let folder: string | undefined;
  let next = 0;
  const path = (): string => {
    try {
      // mkdtemp makes it 0700
      folder ??= mkdtempSync(join(parent, "reading-"));
    } catch (error) {
      throw namedSystemError(error, `make a staging folder in "${parent}"`);
    }
    return folder;
  };
  return {
    path,
    fresh: () => join(path(), String((next += 1))),
    async remove() {
      if (folder !== undefined) await rm(folder, { recursive: true, force: true });
    },
  };
}
