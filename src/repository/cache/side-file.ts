import { randomBytes } from "node:crypto";
import { closeSync, openSync, rmSync } from "node:fs";
import { deriveKey } from "../keys/derive.ts";
import { unlessSystemFails } from "./unless-system-fails.ts";

/** A private file beside the cache of a component, which names it: what would fill the memory is read from there. Plain, so that it can be sent to threads. */
export interface SideFile {
  readonly path: string;
  /** 32 bytes, of this file alone: nothing that was written for another one opens in it. Each piece of it is sealed for its place. */
  readonly key: Uint8Array;
  readonly name: string;
}

/** @param cacheKey 32 bytes, of all caches of a vault: a large database has thousands of pieces at every backup, too many for one key */
export function sideFile(path: string, name: string, cacheKey: Uint8Array): SideFile {
  return { path, name, key: deriveKey(cacheKey, Buffer.from(name), "holdfast side file") };
}

/**
 * An empty one, with a name that was never used.
 *
 * @param pathOf the path of a name
 * @returns undefined when none can be made there
 */
export function newSideFile(pathOf: (name: string) => string, cacheKey: Uint8Array): SideFile | undefined {
  const name = randomBytes(16).toString("hex");
  const file = sideFile(pathOf(name), name, cacheKey);
  const isMade = unlessSystemFails(() => {
    closeSync(openSync(file.path, "wx", 0o600));
    return true;
  });
  return isMade === true ? file : undefined;
}

/** One that could not be written, or that no cache will name: on a full disk it takes the room that the cache needs. */
export function removeSideFile({ path }: SideFile): void {
  unlessSystemFails(() => rmSync(path, { force: true }));
}
