import { createHash } from "node:crypto";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { errnoOf, HoldfastError, makeFolder } from "../../kernel/index.ts";
import { openText, purposeKey, sealText } from "../keys/derive.ts";
import type { VaultKeys } from "../keys/epoch-key.ts";
import type { ComponentCache } from "./component-cache.ts";
import { decodeCache, encodeCache } from "./encode-cache.ts";

export interface CachePlace {
  /** Of the instance's state, private. */
  readonly folder: string;
  readonly vault: string;
  readonly keys: VaultKeys;
}

/**
 * The cache of a component, when there is one that was made for this very tree: of the backup that is compared with, or of
 * an earlier one in which the component was the same. It is sealed under a key of the vault:
 * whatever else lies there is no cache, and costs no more than reading everything again.
 */
export function readCache(place: CachePlace, component: string, tree: string): ComponentCache | undefined {
  const sealed = readIfThere(pathOf(place, component));
  if (sealed === undefined) return undefined;
  const bytes = openText(keyOf(place), sealed, associated(place, component));
  if (bytes === undefined) return undefined;
  try {
    const cache = decodeCache(bytes);
    return cache.tree === tree ? cache : undefined;
  } catch (error) {
    if (error instanceof HoldfastError) return undefined;
    throw error;
  }
}

/** @returns whether it could be written: without it the next backup takes longer, and nothing else */
export function writeCache(place: CachePlace, component: string, cache: ComponentCache): boolean {
  try {
    makeFolder(place.folder);
    const path = pathOf(place, component);
    // Not flushed: what a power cut leaves of it does not open, and costs what the lack of it costs.
    writeFileSync(`${path}.new`, sealText(keyOf(place), encodeCache(cache), associated(place, component)), { mode: 0o600 });
    renameSync(`${path}.new`, path);
    return true;
  } catch (error) {
    if (errnoOf(error) === undefined && !(error instanceof HoldfastError)) throw error;
    return false;
  }
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return undefined;
  }
}

function keyOf({ keys }: CachePlace): Buffer {
  return purposeKey(keys.newest.master, "cache");
}

function associated({ vault }: CachePlace, component: string): string {
  return `holdfast cache 1|${vault}|${component}`;
}

/** By its hash: a component's name is not a file's. */
function pathOf({ folder, vault }: CachePlace, component: string): string {
  return join(folder, `${createHash("sha256").update(`${vault}|${component}`).digest("hex").slice(0, 32)}.cache`);
}
